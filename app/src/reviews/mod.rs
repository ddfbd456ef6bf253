//! Access reviews: going through who may reach what, and keeping or revoking each right.

pub mod actions;
pub mod pages;

/// How many rights stand on one page.
pub const PAGE: u32 = 50;

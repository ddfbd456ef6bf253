//! Access reviews: each permission is either kept or revoked.

pub mod actions;
pub mod pages;

pub const PAGE: u32 = 50;

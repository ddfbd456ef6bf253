//! Access reviews: each permission is either kept or revoked.

pub mod actions;
pub mod pages;

pub const ROWS_PER_PAGE: u32 = 50;

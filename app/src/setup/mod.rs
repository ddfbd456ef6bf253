//! One-time links: the first start, and setting a password.

pub mod actions;
pub mod pages;

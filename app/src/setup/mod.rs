//! One-time links: the first start, and setting a password.

pub mod actions;
#[cfg(feature = "ssr")]
pub mod pages;

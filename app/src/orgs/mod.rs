//! Organisations, and who is in them.

pub mod actions;
#[cfg(feature = "ssr")]
pub mod pages;

//! Signing in and out.

pub mod actions;
#[cfg(feature = "ssr")]
pub mod pages;

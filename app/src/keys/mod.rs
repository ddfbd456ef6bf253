//! API keys: what programs use to act for a person or a service account.

pub mod actions;
#[cfg(feature = "ssr")]
mod days;
#[cfg(feature = "ssr")]
mod list;
#[cfg(feature = "ssr")]
mod one;
#[cfg(feature = "ssr")]
mod owner;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
mod service;

/// The most keys that are revoked at once by ticking them: as many as are listed.
pub const MOST_AT_ONCE: usize = 500;

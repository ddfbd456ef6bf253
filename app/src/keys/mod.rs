//! API keys: what programs use to act for a person or a service account.

pub mod actions;
mod days;
mod list;
mod one;
mod owner;
pub mod pages;
mod service;

/// The most keys that are revoked at once by ticking them: as many as are listed.
pub const MOST_AT_ONCE: usize = 500;

//! API keys: what programs use to act for a person.

pub mod actions;
#[cfg(feature = "ssr")]
pub mod pages;

/// The longest a key with an end may live, in days.
pub const MAX_DAYS: u32 = 366;

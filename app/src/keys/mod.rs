//! API keys, with which programs act for a person or a service account.

pub mod actions;
mod details;
mod expiry;
mod list;
mod owner;
pub mod pages;
mod service_accounts;

/// The most keys that one form revokes: as many as the list shows.
pub const MAX_REVOKED_AT_ONCE: usize = 500;

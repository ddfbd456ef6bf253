//! API keys, with which programs act for a person or a service account.

pub mod actions;
mod days;
mod list;
mod one;
mod owner;
pub mod pages;
mod service;

/// The most keys that one form revokes: as many as the list shows.
pub const MOST_AT_ONCE: usize = 500;

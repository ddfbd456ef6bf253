//! Requests to join organisations that are open to them.

pub mod actions;
#[cfg(feature = "ssr")]
pub mod list;

//! Requests to join organizations that are open to them.

pub mod actions;
pub mod list;

//! Requests to join organisations that are open to them.

pub mod actions;
pub mod list;

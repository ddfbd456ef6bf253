//! Requests to join organizations that accept them.

pub mod actions;
pub mod list;

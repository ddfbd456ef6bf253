//! Invitations to organisations: making them, and what their links open.

pub mod actions;
#[cfg(feature = "ssr")]
pub mod list;
#[cfg(feature = "ssr")]
pub mod pages;

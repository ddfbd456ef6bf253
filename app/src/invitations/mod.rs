//! Invitations to organizations: making them, and what their links open.

pub mod actions;
pub mod list;
pub mod pages;

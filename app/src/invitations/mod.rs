//! Invitations to organizations: their management, and the page that an invitation link opens.

pub mod actions;
pub mod list;
pub mod pages;

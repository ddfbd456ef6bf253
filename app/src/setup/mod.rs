//! One-time links: initial setup and password reset.

pub mod actions;
pub mod pages;

//! The signed-in person's browser sessions.

pub mod actions;
pub mod pages;

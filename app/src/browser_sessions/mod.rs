//! One's own sessions: where one is signed in.

pub mod actions;
pub mod pages;

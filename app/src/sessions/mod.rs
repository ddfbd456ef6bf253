//! One's own sessions: where one is signed in.

pub mod actions;
#[cfg(feature = "ssr")]
pub mod pages;

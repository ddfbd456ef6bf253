//! When something goes wrong: freezing, stopping, ending sessions, locking out.

pub mod actions;
#[cfg(feature = "ssr")]
pub mod pages;

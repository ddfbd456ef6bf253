//! When something goes wrong: freezing, stopping, ending sessions, locking out.

pub mod actions;
pub mod pages;

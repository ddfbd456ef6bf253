//! Runners, the machines that run tasks.

pub mod actions;
pub mod details;
pub mod enroll;
pub mod pages;
pub mod posture;
mod state;

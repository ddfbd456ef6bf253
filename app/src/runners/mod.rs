//! Runners, the machines that run tasks.

pub mod actions;
mod enroll;
mod one;
pub mod pages;
pub mod posture;

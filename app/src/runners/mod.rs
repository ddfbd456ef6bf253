//! Runners: the machines that run tasks.

pub mod actions;
mod enrol;
mod one;
pub mod pages;
pub mod posture;

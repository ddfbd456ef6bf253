//! Runners: the machines that run tasks.

pub mod actions;
#[cfg(feature = "ssr")]
mod enrol;
#[cfg(feature = "ssr")]
mod one;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod posture;

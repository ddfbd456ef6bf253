//! The overview: pending approval requests, running tasks, recent failures.

mod chart;
mod first;
pub mod pages;
mod week;

//! The overview: pending approval requests, running tasks, recent failures.

mod chart;
mod first_task;
pub mod pages;
mod week;

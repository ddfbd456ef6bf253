//! The overview: what waits for me, what runs, what failed.

mod chart;
mod first;
pub mod pages;
mod week;

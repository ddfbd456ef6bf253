//! The overview: what waits for me, what runs, what failed.

#[cfg(feature = "ssr")]
mod chart;
#[cfg(feature = "ssr")]
mod first;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
mod week;

//! Tasks: asking for one, finding it, watching it run.

pub mod actions;
#[cfg(feature = "ssr")]
mod filter;
pub mod islands;
#[cfg(target_family = "wasm")]
mod line;
#[cfg(feature = "ssr")]
mod log;
#[cfg(feature = "ssr")]
mod new;
#[cfg(feature = "ssr")]
mod one;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
mod rail;
#[cfg(feature = "ssr")]
mod receipt;
#[cfg(target_family = "wasm")]
mod tail;
#[cfg(feature = "ssr")]
pub mod timeline;
#[cfg(feature = "ssr")]
pub mod trail;
#[cfg(feature = "ssr")]
pub mod words;

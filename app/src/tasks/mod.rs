//! Tasks: asking for one, finding it, watching it run.

#[cfg(feature = "ssr")]
pub mod actions;
#[cfg(feature = "ssr")]
mod bar;
#[cfg(feature = "ssr")]
mod filter;
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
#[cfg(feature = "ssr")]
pub mod timeline;
#[cfg(feature = "ssr")]
pub mod trail;
#[cfg(feature = "ssr")]
pub mod words;

//! Tasks: submission, list, details and live output.

#[cfg(feature = "ssr")]
pub mod actions;
#[cfg(feature = "ssr")]
mod bar;
#[cfg(feature = "ssr")]
mod filter;
pub mod islands;
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
#[cfg(any(target_family = "wasm", test))]
mod viewer;
#[cfg(feature = "ssr")]
pub mod words;

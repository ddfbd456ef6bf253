//! Rules: what runs at once, what is asked for, what is refused.

pub mod actions;
#[cfg(feature = "ssr")]
pub mod draft;
#[cfg(feature = "ssr")]
pub mod pages;

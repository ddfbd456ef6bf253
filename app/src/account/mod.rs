//! One's own account: how one signs in, and what happened with it.

pub mod actions;
#[cfg(feature = "ssr")]
pub mod changes;
#[cfg(feature = "ssr")]
pub mod news;
#[cfg(feature = "ssr")]
pub mod pages;

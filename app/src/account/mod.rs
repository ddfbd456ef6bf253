//! One's own account: how one signs in, and what happened with it.

pub mod actions;
#[cfg(feature = "ssr")]
pub mod changes;
pub mod links;
#[cfg(feature = "ssr")]
pub mod news;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod ways;

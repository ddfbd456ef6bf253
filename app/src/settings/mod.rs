//! Settings: the identity providers that lead into the tenant.

pub mod actions;
#[cfg(feature = "ssr")]
mod groups;
#[cfg(feature = "ssr")]
mod one;
#[cfg(feature = "ssr")]
pub mod pages;

#[cfg(feature = "ssr")]
pub use one::{new, one};

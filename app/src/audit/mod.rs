//! The audit log: what was done and what was refused, in a chain that shows any change.

#[cfg(feature = "ssr")]
mod filter;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
mod record;

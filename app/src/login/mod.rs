//! Signing in and out.

pub mod actions;
#[cfg(feature = "ssr")]
pub mod ended;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod trouble;

/// What a page that answers for a provider calls the way back: no form is sent there.
pub const BY_PROVIDER: &str = "/sign-in/from";

//! Signing in and out.

pub mod actions;
pub mod ended;
pub mod pages;

/// What a page that answers for a provider calls the way back: no form is sent there.
pub const BY_PROVIDER: &str = "/sign-in/from";

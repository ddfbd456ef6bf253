//! One's own ways to sign in: identities that are linked to the account.

pub mod actions;
#[cfg(feature = "ssr")]
pub mod pages;

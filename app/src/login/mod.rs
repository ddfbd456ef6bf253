//! Signing in and out, with a password, a passkey or an identity provider.

pub mod actions;
pub mod expired_form;
pub mod pages;
pub mod tenant_choice;

/// The `action` of a response to a provider's redirect, to which no form is submitted.
pub const PROVIDER_REDIRECT_ACTION: &str = "/sign-in/from";

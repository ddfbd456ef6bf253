//! Webhooks of the tenant: messages about its events to other systems.

pub mod actions;
pub mod details;
mod fields;
pub mod pages;

/// The page of the webhooks.
pub const WEBHOOKS: &str = "/settings/webhooks";

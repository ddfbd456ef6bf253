//! Retention: how long the tenant keeps its data, and the legal hold.

pub mod actions;
pub mod pages;

/// The page of the retention settings.
pub const RETENTION_SETTINGS: &str = "/settings/retention";

//! Anomalies: a tenant-wide list for admins and auditors, and each person's own.

pub mod actions;
pub mod entry;
pub mod labels;
pub mod pages;

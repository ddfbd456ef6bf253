//! Scheduled backups: their state, which the server provides in the context of every page.

pub mod pages;

use domain::Timestamp;
use std::{fmt, sync::Arc, time::Duration};

/// A function that returns the schedule; `None` if no backups are scheduled.
#[derive(Clone)]
pub struct Backups(pub Arc<dyn Fn() -> Option<BackupSchedule> + Send + Sync>);

impl fmt::Debug for Backups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Backups")
    }
}

/// The schedule and its last results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupSchedule {
    pub folder: String,
    pub interval: Duration,
    /// Number of backups that are kept.
    pub keep: usize,
    /// When the newest complete backup was made.
    pub last: Option<Timestamp>,
    /// Whether the last attempt failed.
    pub has_failed: bool,
}

//! State of the scheduled backups of this server.
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the last attempt failed.
#[derive(Debug, Default)]
pub struct ScheduleState(AtomicBool);

impl ScheduleState {
    pub fn has_failed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn set_failed(&self, failed: bool) {
        self.0.store(failed, Ordering::Relaxed);
    }
}

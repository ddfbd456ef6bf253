//! State of the scheduled backups of this server.
use parking_lot::Mutex;

/// The result of the last attempt.
#[derive(Debug, Default)]
pub struct ScheduleState(Mutex<Option<String>>);

impl ScheduleState {
    /// Returns why the last attempt failed, if it did.
    pub fn failure(&self) -> Option<String> {
        self.0.lock().clone()
    }

    /// Stores why an attempt failed, or that it succeeded, and returns the result of the attempt before.
    pub(super) fn set_failure(&self, failure: Option<String>) -> Option<String> {
        std::mem::replace(&mut *self.0.lock(), failure)
    }
}

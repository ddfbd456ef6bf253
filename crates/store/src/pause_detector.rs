//! Pause detection: since when this node has been able to record heartbeats. Silence before that is not reported.
use domain::Timestamp;
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

/// A node that did not note for this long that it runs was paused: its process was stopped, or its machine suspended.
pub const MAX_PAUSE: Duration = Duration::from_secs(30);

pub(crate) struct PauseDetector {
    /// When the store was opened, or the last pause ended.
    watching_since: AtomicI64,
    last_noted: AtomicI64,
}

impl PauseDetector {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { watching_since: AtomicI64::new(now.0), last_noted: AtomicI64::new(now.0) }
    }

    pub(crate) fn watching_since(&self) -> Timestamp {
        Timestamp(self.watching_since.load(Ordering::Relaxed))
    }

    /// Begins again at `at`, unless it began later.
    pub(crate) fn restart(&self, at: Timestamp) {
        self.watching_since.fetch_max(at.0, Ordering::Relaxed);
    }

    /// Notes that the node runs, and begins again after a pause.
    pub(crate) fn note_running(&self, now: Timestamp) {
        let last = Timestamp(self.last_noted.swap(now.0, Ordering::Relaxed));
        if now.since(last) > MAX_PAUSE {
            self.restart(now);
        }
    }
}

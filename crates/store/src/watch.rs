//! Watch over heartbeats: since when this node has been able to record them. Runners are not to blame for the silence before.
use domain::Timestamp;
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

/// A node that did not note for this long that it runs was paused: its process was stopped, or its machine suspended.
pub const MAX_WATCH_GAP: Duration = Duration::from_secs(30);

/// Begins when the store is opened, and again after each pause.
pub(crate) struct Watch {
    since: AtomicI64,
    /// When the node last ran.
    kept: AtomicI64,
}

impl Watch {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { since: AtomicI64::new(now.0), kept: AtomicI64::new(now.0) }
    }

    pub(crate) fn since(&self) -> Timestamp {
        Timestamp(self.since.load(Ordering::Relaxed))
    }

    /// Begins again at `at`, unless it began later.
    pub(crate) fn restart(&self, at: Timestamp) {
        self.since.fetch_max(at.0, Ordering::Relaxed);
    }

    /// Notes that the node runs, and begins again if it did not for too long.
    pub(crate) fn keep(&self, now: Timestamp) {
        let kept = Timestamp(self.kept.swap(now.0, Ordering::Relaxed));
        if now.since(kept) > MAX_WATCH_GAP {
            self.restart(now);
        }
    }
}

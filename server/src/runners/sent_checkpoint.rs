//! Checkpoint of the audit log that a connected runner received last.

use domain::checkpoint::Checkpoint;
use tokio::time::Instant;

/// The last checkpoint that a runner received.
#[derive(Debug)]
pub(super) struct SentCheckpoint {
    pub(super) checkpoint: Option<Checkpoint>,
    /// When it was compared with the latest one.
    pub(super) at: Instant,
}

impl SentCheckpoint {
    pub(super) fn none() -> Self {
        Self { checkpoint: None, at: Instant::now() }
    }
}

//! Data retention: deletes expired data once a day, in small batches so that other writes do not wait.
use crate::state::App;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Rows per table and batch, with a pause between batches.
const BATCH_SIZE: u32 = 500;
const PAUSE: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

/// Deletes expired data at startup and once a day until `stop`.
pub async fn run(app: App, stop: CancellationToken) {
    loop {
        let wait = match app.store.system().delete_expired_history(BATCH_SIZE).await {
            Ok(true) => PAUSE,
            Ok(false) => DAY,
            Err(error) => {
                tracing::warn!(%error, "expired data could not be deleted; retrying tomorrow");
                DAY
            }
        };
        if tokio::time::timeout(wait, stop.cancelled()).await.is_ok() {
            return;
        }
    }
}

//! Data retention: deletes expired data once a day, in small batches so that other writes do not wait.
use crate::state::App;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Rows per kind and batch, with a pause between batches.
const BATCH_SIZE: u32 = 500;
const PAUSE: Duration = Duration::from_secs(1);
/// Interval at which the server checks whether a run is due: daily, on one of the nodes, and after a change of the settings.
const CHECK_INTERVAL: Duration = Duration::from_hours(1);

/// Deletes expired data at startup and whenever a run is due, until `stop`.
pub async fn run(app: App, stop: CancellationToken) {
    loop {
        let wait = match app.store.system().delete_expired_history(BATCH_SIZE).await {
            Ok(true) => PAUSE,
            Ok(false) => CHECK_INTERVAL,
            Err(error) => {
                tracing::warn!(%error, "expired data could not be deleted; retrying in an hour");
                CHECK_INTERVAL
            }
        };
        if tokio::time::timeout(wait, stop.cancelled()).await.is_ok() {
            return;
        }
    }
}

//! What counts for nothing any more is forgotten once a day, a part at a time, so that nobody waits for it.
use crate::state::App;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// So many rows of a kind at a time, with a pause between.
const PART: u32 = 500;
const PAUSE: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

/// Forgets when the server starts, and every day from then on, until `stop`.
pub async fn keep(app: App, stop: CancellationToken) {
    loop {
        let wait = match app.store.system().forget_old(PART).await {
            Ok(true) => PAUSE,
            Ok(false) => DAY,
            Err(error) => {
                tracing::warn!(%error, "what counts for nothing any more is not forgotten yet; tomorrow again");
                DAY
            }
        };
        if tokio::time::timeout(wait, stop.cancelled()).await.is_ok() {
            return;
        }
    }
}

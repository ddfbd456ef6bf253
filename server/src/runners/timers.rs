//! What time does: approvals expire, leases end. One timer for the next of them, in whatever tenant.

use std::time::Duration;

use store::{Event, Store, Topic};
use tokio::{sync::broadcast::error::RecvError, time::sleep};
use tokio_util::sync::CancellationToken;

/// Without anything due.
const FAR: Duration = Duration::from_hours(24);
/// News within so long are looked at together.
const TOGETHER: Duration = Duration::from_millis(200);
/// After a failure of the database.
const AGAIN: Duration = Duration::from_secs(1);

/// Does what is due until `stop`.
pub(super) async fn run(store: &Store, stop: &CancellationToken) {
    let mut events = store.subscribe();
    loop {
        let wait = match next(store).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::error!(%error, "what is due cannot be done; trying again");
                AGAIN
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(wait) => {}
            () = changed(&mut events) => sleep(TOGETHER).await,
        }
        while events.try_recv().is_ok() {}
    }
}

/// Does what is due now, and says how long nothing will be.
async fn next(store: &Store) -> store::Result<Duration> {
    let left = |due: domain::Timestamp| due.since(store.now());
    match store.system().next_due().await?.map(left) {
        None => Ok(FAR),
        Some(Duration::ZERO) => {
            store.system().do_due().await?;
            // What is due and stays so must not be asked for without pause.
            Ok(store.system().next_due().await?.map_or(FAR, |due| left(due).max(TOGETHER)))
        }
        Some(wait) => Ok(wait.min(FAR)),
    }
}

/// Completes when something may be due sooner than it was.
async fn changed(events: &mut tokio::sync::broadcast::Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(Event { topic: Topic::Tasks | Topic::Approvals | Topic::Keys | Topic::Missed, .. })
            | Err(RecvError::Lagged(_)) => {
                return;
            }
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

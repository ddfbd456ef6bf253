//! Timers of all tenants: expiry of approval requests, leases and queued tasks, and the silence of runners.

use std::time::Duration;
use store::{Event, Store, Topic};
use tokio::{sync::broadcast::error::RecvError, time::sleep};
use tokio_util::sync::CancellationToken;

/// Wait if nothing is due.
const IDLE_WAIT: Duration = Duration::from_hours(24);
/// Debounce interval of events.
const DEBOUNCE: Duration = Duration::from_millis(200);
/// Delay after a database error.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// How often the node notes that it runs.
const NOTE_INTERVAL: Duration = Duration::from_secs(10);

/// Processes due timers until `stop`.
pub(super) async fn run(store: &Store, stop: &CancellationToken) {
    let noting = async {
        loop {
            store.note_running();
            sleep(NOTE_INTERVAL).await;
        }
    };
    tokio::select! {
        biased;
        () = noting => {}
        () = process(store, stop) => {}
    }
}

async fn process(store: &Store, stop: &CancellationToken) {
    let mut events = store.subscribe();
    loop {
        let wait = match process_due(store).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::error!(%error, "due timers could not be processed; retrying");
                RETRY_DELAY
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(wait) => {}
            () = changed(&mut events) => sleep(DEBOUNCE).await,
        }
        while events.try_recv().is_ok() {}
    }
}

/// Processes due timers and returns the time until the next one.
async fn process_due(store: &Store) -> store::Result<Duration> {
    // After a suspension, before it is judged which runners are silent.
    store.note_running();
    let left = |due: domain::Timestamp| due.since(store.now());
    match store.system().next_due().await?.map(left) {
        None => Ok(IDLE_WAIT),
        Some(Duration::ZERO) => {
            store.system().run_due_work().await?;
            // Avoid a busy loop if a timer stays due.
            Ok(store.system().next_due().await?.map_or(IDLE_WAIT, |due| left(due).max(DEBOUNCE)))
        }
        Some(wait) => Ok(wait.min(IDLE_WAIT)),
    }
}

/// Completes when the next timer may have changed.
async fn changed(events: &mut tokio::sync::broadcast::Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(Event {
                topic: Topic::Tasks | Topic::Runners | Topic::Approvals | Topic::Keys | Topic::Missed, ..
            })
            | Err(RecvError::Lagged(_)) => {
                return;
            }
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

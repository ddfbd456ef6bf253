//! What one connection is doing: whether a request is being answered, and since when none is.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// Shared by a connection's socket, its requests and the clock that watches it.
#[derive(Debug)]
pub(super) struct Activity {
    state: Mutex<State>,
    rested: Notify,
    /// Set while nothing that our handlers answered is waiting to be written.
    quiet: AtomicBool,
}

#[derive(Debug)]
struct State {
    in_flight: usize,
    served_any: bool,
    since: Instant,
}

/// One request that is being answered, until the end of the answer's body.
#[derive(Debug)]
pub(super) struct Busy(Arc<Activity>);

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        let state = State { in_flight: 0, served_any: false, since: Instant::now() };
        Arc::new(Self { state: Mutex::new(state), rested: Notify::new(), quiet: AtomicBool::new(true) })
    }

    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        self.quiet.store(false, SeqCst);
        let mut state = self.state();
        state.in_flight += 1;
        state.served_any = true;
        drop(state);
        Busy(Arc::clone(self))
    }

    /// Everything that was written so far has left.
    pub(super) fn flushed(&self) {
        if self.state().in_flight == 0 {
            self.quiet.store(true, SeqCst);
        }
    }

    /// Whether what is written now cannot come from a handler.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet.load(SeqCst) && self.state().in_flight == 0
    }

    /// Returns when no request came for `first` after the connection, or for `later` after the last answer.
    pub(super) async fn idle_for(&self, first: Duration, later: Duration) {
        loop {
            let due = {
                let state = self.state();
                let limit = if state.served_any { later } else { first };
                (state.in_flight == 0).then_some(state.since + limit)
            };
            match due {
                None => self.rested.notified().await,
                Some(due) if due <= Instant::now() => return,
                Some(due) => tokio::time::sleep_until(due).await,
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        state.since = Instant::now();
        drop(state);
        self.0.rested.notify_one();
    }
}

//! Connection activity: the number of requests in flight, and how long a connection has been idle.

use parking_lot::Mutex;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// Activity of one connection, shared by its socket, its requests and the idle timer.
#[derive(Debug)]
pub(super) struct Activity {
    state: Mutex<State>,
    became_idle: Notify,
    /// Set while no handler's response is waiting to be written.
    quiet: AtomicBool,
}

#[derive(Debug)]
struct State {
    in_flight: usize,
    served_any: bool,
    since: Instant,
}

/// Request in flight, until the end of the response body.
#[derive(Debug)]
pub(super) struct ActiveRequest(Arc<Activity>);

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        let state = State { in_flight: 0, served_any: false, since: Instant::now() };
        Arc::new(Self { state: Mutex::new(state), became_idle: Notify::new(), quiet: AtomicBool::new(true) })
    }

    pub(super) fn begin(self: &Arc<Self>) -> ActiveRequest {
        self.quiet.store(false, SeqCst);
        let mut state = self.state();
        state.in_flight += 1;
        state.served_any = true;
        drop(state);
        ActiveRequest(Arc::clone(self))
    }

    /// Records that all written bytes were flushed.
    pub(super) fn flushed(&self) {
        if self.state().in_flight == 0 {
            self.quiet.store(true, SeqCst);
        }
    }

    /// Returns whether bytes written now cannot come from a handler.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet.load(SeqCst) && self.state().in_flight == 0
    }

    /// Completes when no request has arrived for `first` after the connection, or for `later` after the last response.
    pub(super) async fn idle_for(&self, first: Duration, later: Duration) {
        loop {
            let due = {
                let state = self.state();
                let limit = if state.served_any { later } else { first };
                (state.in_flight == 0).then_some(state.since + limit)
            };
            match due {
                None => self.became_idle.notified().await,
                Some(due) if due <= Instant::now() => return,
                Some(due) => tokio::time::sleep_until(due).await,
            }
        }
    }

    fn state(&self) -> parking_lot::MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        state.since = Instant::now();
        drop(state);
        self.0.became_idle.notify_one();
    }
}

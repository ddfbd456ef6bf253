//! Connection activity: the requests in flight, how long a connection has been idle, and whether its client is known.

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
    authenticated: AtomicBool,
}

#[derive(Debug)]
struct State {
    in_flight: usize,
    /// Request bodies that the client is still sending.
    receiving: usize,
    served_any: bool,
    /// When the connection became idle or busy.
    since: Instant,
}

/// Request in flight, until the end of the response body.
#[derive(Debug)]
pub(super) struct ActiveRequest(Arc<Activity>);

/// Request body that is not complete.
#[derive(Debug)]
pub(super) struct ReceivingBody(Arc<Activity>);

/// Connection of a request, which authentication marks: connections of unknown clients are the first to be closed when
/// there are too many.
#[derive(Debug, Clone)]
pub struct ClientConnection(pub(super) Arc<Activity>);

impl ClientConnection {
    pub fn mark_authenticated(&self) {
        self.0.mark_authenticated();
    }
}

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        let state = State { in_flight: 0, receiving: 0, served_any: false, since: Instant::now() };
        Arc::new(Self {
            state: Mutex::new(state),
            became_idle: Notify::new(),
            quiet: AtomicBool::new(true),
            authenticated: AtomicBool::new(false),
        })
    }

    pub(super) fn mark_authenticated(&self) {
        self.authenticated.store(true, SeqCst);
    }

    pub(super) fn is_authenticated(&self) -> bool {
        self.authenticated.load(SeqCst)
    }

    /// Returns since when the connection has been idle or busy.
    pub(super) fn since(&self) -> Instant {
        self.state().since
    }

    /// Returns since when the connection has waited for its client, if it does.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.in_flight == 0 || state.receiving > 0).then_some(state.since)
    }

    pub(super) fn receive(self: &Arc<Self>) -> ReceivingBody {
        self.state().receiving += 1;
        ReceivingBody(Arc::clone(self))
    }

    pub(super) fn begin(self: &Arc<Self>) -> ActiveRequest {
        self.quiet.store(false, SeqCst);
        let mut state = self.state();
        if state.in_flight == 0 {
            state.since = Instant::now();
        }
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

impl Drop for ReceivingBody {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.receiving = state.receiving.saturating_sub(1);
    }
}

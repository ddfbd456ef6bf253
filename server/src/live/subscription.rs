//! Event subscription of a watcher, valid while the watcher is authorized.
use super::Watcher;
use crate::{authentication::RECHECK, state::App};
use std::{collections::VecDeque, time::Duration};
use store::{Event, EventPosition, Topic};
use tokio::{
    sync::broadcast::{
        Receiver,
        error::{RecvError, TryRecvError},
    },
    time::{Instant, timeout_at},
};

/// Subscription to the events of the watcher's tenant. Events are buffered in the store's bounded channel; a slow subscriber
/// receives [`Update::Missed`].
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) app: App,
    pub(super) watcher: Watcher,
    /// Events between the mark and the subscription.
    past: VecDeque<Event>,
    receiver: Receiver<Event>,
    /// Set when an event may have changed the watcher's permissions.
    recheck_pending: bool,
    check_at: Instant,
}

/// Received update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Update {
    Event(Event),
    /// Events were missed; anything may have changed.
    Missed,
}

impl Subscription {
    /// Subscribes to events from now on. Later reads from the store include everything before.
    pub(super) fn new(app: App, watcher: Watcher) -> Self {
        let receiver = app.store.subscribe();
        Self::with_receiver(app, watcher, vec![], receiver)
    }

    /// Subscribes to events since `mark`.
    pub(super) fn since(app: App, watcher: Watcher, mark: EventPosition) -> Self {
        let (past, receiver) = app.store.subscribe_since(mark);
        Self::with_receiver(app, watcher, past, receiver)
    }

    fn with_receiver(app: App, watcher: Watcher, past: Vec<Event>, receiver: Receiver<Event>) -> Self {
        let check_at = Instant::now() + recheck_interval(&app);
        Self { app, watcher, past: past.into(), receiver, recheck_pending: false, check_at }
    }

    /// Waits for the next event of the tenant. Returns `None` once the watcher is no longer authorized or the server stops, because
    /// an open stream would delay the shutdown. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Update> {
        loop {
            if !self.is_still_authorized().await {
                return None;
            }
            let next = timeout_at(self.check_at, next_event(&mut self.past, &mut self.receiver));
            let update = match self.app.stop.run_until_cancelled(next).await {
                None | Some(Ok(Err(RecvError::Closed))) => return None,
                Some(Err(_)) => continue,
                Some(Ok(Ok(event))) => self.accept(event),
                Some(Ok(Err(RecvError::Lagged(_)))) => self.missed(),
            };
            if update.is_some() && self.is_still_authorized().await {
                return update;
            }
        }
    }

    /// Returns the next queued event without waiting.
    pub(super) fn try_next(&mut self) -> Option<Update> {
        loop {
            let update = match self.past.pop_front().map_or_else(|| self.receiver.try_recv(), Ok) {
                Ok(event) => self.accept(event),
                Err(TryRecvError::Lagged(_)) => self.missed(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            };
            if update.is_some() {
                return update;
            }
        }
    }

    /// Returns whether the watcher is still authorized. The database is queried after an event about the watcher and periodically.
    /// Returns `false` while the server stops.
    pub(super) async fn is_still_authorized(&mut self) -> bool {
        if self.app.stop.is_cancelled() {
            return false;
        }
        if self.recheck_pending || Instant::now() >= self.check_at {
            if !self.watcher.is_still_authorized(&self.app).await {
                self.recheck_pending = true;
                return false;
            }
            (self.recheck_pending, self.check_at) = (false, Instant::now() + recheck_interval(&self.app));
        }
        true
    }

    fn accept(&mut self, event: Event) -> Option<Update> {
        if event.topic == Topic::Missed {
            return self.missed();
        }
        if event.tenant != self.watcher.actor().tenant {
            return None;
        }
        self.recheck_pending |= self.watcher.is_affected_by(&event);
        Some(Update::Event(event))
    }

    fn missed(&mut self) -> Option<Update> {
        self.recheck_pending = true;
        Some(Update::Missed)
    }
}

/// Returns past events first, then new ones.
async fn next_event(past: &mut VecDeque<Event>, receiver: &mut Receiver<Event>) -> Result<Event, RecvError> {
    match past.pop_front() {
        Some(event) => Ok(event),
        None => receiver.recv().await,
    }
}

/// Returns the interval of authorization checks, at most the idle timeout of sessions.
fn recheck_interval(app: &App) -> Duration {
    RECHECK.min(app.config.sessions.idle)
}

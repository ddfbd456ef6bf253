//! An ear at the store's announcements, for as long as its watcher may listen.
use super::Watcher;
use crate::{auth::RECHECK, state::App};
use std::{collections::VecDeque, time::Duration};
use store::{Event, Mark, Topic};
use tokio::{
    sync::broadcast::{
        Receiver,
        error::{RecvError, TryRecvError},
    },
    time::{Instant, timeout_at},
};

/// Hears what happens in the watcher's tenant. Events wait in the store's one bounded buffer, not here; who is too slow
/// for it is told to look again.
#[derive(Debug)]
pub(super) struct Ear {
    pub(super) app: App,
    pub(super) watcher: Watcher,
    /// What happened before it listened, and after what was read.
    past: VecDeque<Event>,
    receiver: Receiver<Event>,
    /// Something happened that may have ended the watcher's rights.
    doubt: bool,
    check_at: Instant,
}

/// What was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Something happened.
    Event(Event),
    /// Something was missed: everything may have changed.
    Missed,
}

impl Ear {
    /// Listens from now on. What is read from the store afterwards is not older than this.
    pub(super) fn new(app: App, watcher: Watcher) -> Self {
        let receiver = app.store.subscribe();
        Self::of(app, watcher, vec![], receiver)
    }

    /// Hears what happened since something was read, and goes on to listen.
    pub(super) fn since(app: App, watcher: Watcher, mark: Mark) -> Self {
        let (past, receiver) = app.store.subscribe_since(mark);
        Self::of(app, watcher, past, receiver)
    }

    fn of(app: App, watcher: Watcher, past: Vec<Event>, receiver: Receiver<Event>) -> Self {
        let check_at = Instant::now() + recheck(&app);
        Self { app, watcher, past: past.into(), receiver, doubt: false, check_at }
    }

    /// Waits for the next event of the tenant; `None` once the watcher may not listen any more, or the server is told to
    /// stop: a stream would keep its connection, and so the server, for as long as the door waits.
    /// Nothing is lost when this is dropped while it waits.
    pub(super) async fn hear(&mut self) -> Option<Heard> {
        loop {
            if !self.may_go_on().await {
                return None;
            }
            let next = timeout_at(self.check_at, next(&mut self.past, &mut self.receiver));
            let heard = match self.app.stop.run_until_cancelled(next).await {
                None | Some(Ok(Err(RecvError::Closed))) => return None,
                Some(Err(_)) => continue,
                Some(Ok(Ok(event))) => self.sort(event),
                Some(Ok(Err(RecvError::Lagged(_)))) => self.missed(),
            };
            if heard.is_some() && self.may_go_on().await {
                return heard;
            }
        }
    }

    /// What was announced meanwhile, without waiting.
    pub(super) fn overhear(&mut self) -> Option<Heard> {
        loop {
            let heard = match self.past.pop_front().map_or_else(|| self.receiver.try_recv(), Ok) {
                Ok(event) => self.sort(event),
                Err(TryRecvError::Lagged(_)) => self.missed(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            };
            if heard.is_some() {
                return heard;
            }
        }
    }

    /// Whether the watcher may go on: asked of the database where something happened to them, and once in a while. Nobody
    /// may while the server stops.
    pub(super) async fn may_go_on(&mut self) -> bool {
        if self.app.stop.is_cancelled() {
            return false;
        }
        if self.doubt || Instant::now() >= self.check_at {
            if !self.watcher.may_go_on(&self.app).await {
                self.doubt = true;
                return false;
            }
            (self.doubt, self.check_at) = (false, Instant::now() + recheck(&self.app));
        }
        true
    }

    fn sort(&mut self, event: Event) -> Option<Heard> {
        if event.topic == Topic::Missed {
            return self.missed();
        }
        if event.tenant != self.watcher.actor().tenant {
            return None;
        }
        self.doubt |= self.watcher.is_touched_by(&event);
        Some(Heard::Event(event))
    }

    fn missed(&mut self) -> Option<Heard> {
        self.doubt = true;
        Some(Heard::Missed)
    }
}

/// What happened first, then what happens.
async fn next(past: &mut VecDeque<Event>, receiver: &mut Receiver<Event>) -> Result<Event, RecvError> {
    match past.pop_front() {
        Some(event) => Ok(event),
        None => receiver.recv().await,
    }
}

/// How long an unbroken silence is believed: no longer than a session lasts that nobody uses.
fn recheck(app: &App) -> Duration {
    RECHECK.min(app.config.sessions.idle)
}

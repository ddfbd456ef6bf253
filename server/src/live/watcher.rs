//! Watcher of an event stream, and its continuing authorization.
use crate::{
    authentication::{self, Browser, Program},
    state::App,
};
use domain::Actor;
use store::{Event, Topic};

/// Authenticated client of a stream.
#[derive(Clone, Debug)]
pub(crate) enum Watcher {
    Browser(Browser),
    Program(Program),
}

impl Watcher {
    /// Returns the actor with the permissions from the start of the stream.
    pub(crate) fn actor(&self) -> &Actor {
        match self {
            Self::Browser(browser) => &browser.actor,
            Self::Program(program) => &program.actor,
        }
    }

    /// Returns whether the session or key is still valid with the same permissions.
    pub(crate) async fn is_still_authorized(&self, app: &App) -> bool {
        match self {
            Self::Browser(browser) => authentication::still_valid(app, browser).await,
            Self::Program(program) => program.still_valid(app).await,
        }
    }

    /// Returns whether an event may change the watcher's permissions.
    pub(super) fn is_affected_by(&self, event: &Event) -> bool {
        let actor = self.actor();
        match event.topic {
            Topic::People => actor.person().is_some_and(|person| person.0 == event.id),
            Topic::Keys => actor.key().is_some_and(|key| key.0 == event.id),
            Topic::Missed => true,
            _ => false,
        }
    }
}

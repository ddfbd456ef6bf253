//! Who watches a stream, and whether they still may.
use crate::{
    auth::{self, Browser, Program},
    state::App,
};
use domain::Actor;
use store::{Event, Topic};

/// Somebody who was let in when a stream began.
#[derive(Clone, Debug)]
pub(crate) enum Watcher {
    /// A page.
    Browser(Browser),
    /// A program with a key.
    Program(Program),
}

impl Watcher {
    /// Who, with the rights that they had then.
    pub(crate) fn actor(&self) -> &Actor {
        match self {
            Self::Browser(browser) => &browser.actor,
            Self::Program(program) => &program.actor,
        }
    }

    /// Whether the session is open or the key works, and the rights are what they were.
    pub(crate) async fn may_go_on(&self, app: &App) -> bool {
        match self {
            Self::Browser(browser) => auth::still_valid(app, browser).await,
            Self::Program(program) => program.still_valid(app).await,
        }
    }

    /// Whether an event may be about their own rights.
    pub(super) fn is_touched_by(&self, event: &Event) -> bool {
        let actor = self.actor();
        match event.topic {
            Topic::People => actor.person().is_some_and(|person| person.0 == event.id),
            Topic::Keys => actor.key().is_some_and(|key| key.0 == event.id),
            Topic::Missed => true,
            _ => false,
        }
    }
}

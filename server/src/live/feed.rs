//! What a page hears of the rest of the tenant: that something changed, never more than its reader may see.
use super::{
    Watcher,
    subscription::{Ear, Heard},
};
use crate::state::App;
use domain::{ApprovalId, Invalid, KeyId, OrganizationId, TaskId, role::Role};
use std::{collections::BTreeSet, str::FromStr, time::Duration, vec};
use store::{Event, Mark, Read, Topic};
use uuid::Uuid;

/// The topics that a page may ask for. What a task prints has a stream of its own.
const OFFERED: [Topic; 6] = [Topic::Tasks, Topic::Approvals, Topic::Runners, Topic::People, Topic::Keys, Topic::Rules];

/// How long changes are gathered before they are told together.
const GATHER: Duration = Duration::from_millis(200);

/// From how many changed things on a page is told to look at all of them again.
const MANY: usize = 100;

/// What a page asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Topics(Vec<Topic>);

impl FromStr for Topics {
    type Err = Invalid;
    /// Reads `tasks,approvals`.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let known = |word: &str| OFFERED.into_iter().find(|topic| topic.as_str() == word);
        let topics: Option<Vec<_>> = text.split(',').map(known).collect();
        let words = OFFERED.map(Topic::as_str).join(", ");
        topics.map(Self).ok_or_else(|| Invalid::new("topics", format!("must be some of {words}, separated by commas")))
    }
}

/// That something changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// What kind of thing.
    pub(super) topic: Topic,
    /// Which; `None` for any of them.
    pub(super) id: Option<Uuid>,
}

/// A page's place at the announcements.
#[derive(Debug)]
pub(super) struct Feed {
    ear: Ear,
    topics: Topics,
    /// When it began to gather what is told now: whoever is cut off hears everything since.
    mark: Mark,
    ready: vec::IntoIter<Change>,
}

impl Feed {
    /// Tells what changes, from `mark` on: when the page was read that shows it.
    pub(super) fn start(app: App, watcher: Watcher, topics: Topics, mark: Option<Mark>) -> Self {
        let now = app.store.mark();
        let ear = match mark {
            Some(mark) => Ear::since(app, watcher, mark),
            None => Ear::new(app, watcher),
        };
        Self { ear, topics, mark: mark.unwrap_or(now), ready: vec![].into_iter() }
    }

    /// The next change that the watcher may know of, and from when on to listen for more; `None` once they may not listen any
    /// more.
    pub(super) async fn next(&mut self) -> Option<(Change, Mark)> {
        loop {
            if let Some(change) = self.ready.next() {
                return Some((change, self.mark));
            }
            let first = self.ear.hear().await?;
            tokio::time::sleep(GATHER).await;
            let mut heard = Gathered::default();
            heard.add(first);
            self.mark = self.ear.app.store.mark();
            while let Some(next) = self.ear.overhear() {
                heard.add(next);
            }
            if !self.ear.may_go_on().await {
                return None;
            }
            match self.tell(heard).await {
                Ok(changes) => self.ready = changes.into_iter(),
                Err(error) => {
                    tracing::warn!(%error, "a stream ends early: changes could not be read");
                    return None;
                }
            }
        }
    }

    async fn tell(&self, heard: Gathered) -> store::Result<Vec<Change>> {
        let any = |topic: &Topic| Change { topic: *topic, id: None };
        if heard.missed {
            return Ok(self.topics.0.iter().map(any).collect());
        }
        let mut read = self.ear.app.store.read(self.ear.watcher.actor()).await?;
        let mut changes = vec![];
        for topic in &self.topics.0 {
            let ids: Vec<_> = heard.of(*topic).collect();
            for id in &ids {
                if !self.may_know(&mut read, *topic, *id).await? {
                    continue;
                }
                let named = matches!(topic, Topic::Tasks | Topic::Approvals) && ids.len() <= MANY;
                changes.push(Change { topic: *topic, id: named.then_some(*id) });
                if !named {
                    break;
                }
            }
        }
        Ok(changes)
    }

    /// Whether the watcher may see the thing that changed.
    async fn may_know(&self, read: &mut Read, topic: Topic, id: Uuid) -> store::Result<bool> {
        let actor = self.ear.watcher.actor();
        let seen = match topic {
            Topic::Tasks => read.progress(TaskId(id)).await.map(drop),
            Topic::Approvals => read.approval(ApprovalId(id)).await.map(drop),
            Topic::Keys => read.key(KeyId(id)).await.map(drop),
            // Of oneself, and of who is in an organization of one's own, is invited to it or asks to be let in.
            Topic::People => {
                let own = actor.person().is_some_and(|own| own.0 == id);
                let owns = actor.role_in(OrganizationId(id)) == Some(Role::Owner);
                return Ok(own || owns || actor.reads_everything());
            }
            // Everybody may know what applies to them and what could run their tasks.
            Topic::Runners | Topic::Rules => return Ok(true),
            Topic::Log | Topic::Missed => return Ok(false),
        };
        match seen {
            Ok(()) => Ok(true),
            Err(store::Error::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What was announced in a moment, each thing once.
#[derive(Debug, Default)]
struct Gathered {
    things: BTreeSet<(&'static str, Uuid)>,
    missed: bool,
}

impl Gathered {
    fn add(&mut self, heard: Heard) {
        match heard {
            Heard::Event(Event { topic: Topic::Log, .. }) => {}
            Heard::Event(event) => {
                self.things.insert((event.topic.as_str(), event.id));
            }
            Heard::Missed => self.missed = true,
        }
    }

    fn of(&self, topic: Topic) -> impl Iterator<Item = Uuid> {
        self.things.iter().filter(move |(word, _)| *word == topic.as_str()).map(|(_, id)| *id)
    }
}

//! Change feed of a page: notifications about changed objects that its reader can see.
use super::{
    Watcher,
    subscription::{Subscription, Update},
};
use crate::state::App;
use domain::{ApprovalId, Invalid, KeyId, OrganizationId, TaskId, role::Role};
use std::{collections::BTreeSet, str::FromStr, time::Duration, vec};
use store::{Event, EventPosition, Read, Topic};
use uuid::Uuid;

/// Topics that a page can subscribe to. Task logs have their own stream.
const ALLOWED_TOPICS: [Topic; 6] =
    [Topic::Tasks, Topic::Approvals, Topic::Runners, Topic::People, Topic::Keys, Topic::Rules];

/// Debounce interval: changes within it are sent together.
const DEBOUNCE: Duration = Duration::from_millis(200);

/// Maximum number of changed IDs per topic; beyond it the page reloads all of them.
const MAX_NAMED_IDS: usize = 100;

/// Topics of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Topics(Vec<Topic>);

impl FromStr for Topics {
    type Err = Invalid;
    /// Parses a comma-separated list such as `tasks,approvals`.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let known = |name: &str| ALLOWED_TOPICS.into_iter().find(|topic| topic.as_str() == name);
        let topics: Option<Vec<_>> = text.split(',').map(known).collect();
        let names = ALLOWED_TOPICS.map(Topic::as_str).join(", ");
        topics
            .map(Self)
            .ok_or_else(|| Invalid::new("topics", format!("must be one or more of {names}, separated by commas")))
    }
}

/// Change of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) topic: Topic,
    /// ID of the object; `None` for any.
    pub(super) id: Option<Uuid>,
}

/// Change feed of one page.
#[derive(Debug)]
pub(super) struct Feed {
    subscription: Subscription,
    topics: Topics,
    /// Mark from before the current batch; a client that reconnects with it misses nothing.
    mark: EventPosition,
    ready: vec::IntoIter<Change>,
}

impl Feed {
    /// Starts a feed of changes since `mark`, when the page was rendered.
    pub(super) fn start(app: App, watcher: Watcher, topics: Topics, mark: Option<EventPosition>) -> Self {
        let now = app.store.mark();
        let subscription = match mark {
            Some(mark) => Subscription::since(app, watcher, mark),
            None => Subscription::new(app, watcher),
        };
        Self { subscription, topics, mark: mark.unwrap_or(now), ready: vec![].into_iter() }
    }

    /// Returns the next change that the watcher can see, and the mark to resume from; `None` once the watcher is no longer
    /// authorized.
    pub(super) async fn next(&mut self) -> Option<(Change, EventPosition)> {
        loop {
            if let Some(change) = self.ready.next() {
                return Some((change, self.mark));
            }
            let first = self.subscription.next().await?;
            tokio::time::sleep(DEBOUNCE).await;
            let mut pending = PendingChanges::default();
            pending.add(first);
            self.mark = self.subscription.app.store.mark();
            while let Some(next) = self.subscription.try_next() {
                pending.add(next);
            }
            if !self.subscription.is_still_authorized().await {
                return None;
            }
            match self.visible_changes(pending).await {
                Ok(changes) => self.ready = changes.into_iter(),
                Err(error) => {
                    tracing::warn!(%error, "a stream ended early: changes could not be read");
                    return None;
                }
            }
        }
    }

    async fn visible_changes(&self, pending: PendingChanges) -> store::Result<Vec<Change>> {
        let any = |topic: &Topic| Change { topic: *topic, id: None };
        if pending.missed {
            return Ok(self.topics.0.iter().map(any).collect());
        }
        let mut read = self.subscription.app.store.read(self.subscription.watcher.actor()).await?;
        let mut changes = vec![];
        for topic in &self.topics.0 {
            let ids: Vec<_> = pending.of(*topic).collect();
            for id in &ids {
                if !self.can_see(&mut read, *topic, *id).await? {
                    continue;
                }
                let named = matches!(topic, Topic::Tasks | Topic::Approvals) && ids.len() <= MAX_NAMED_IDS;
                changes.push(Change { topic: *topic, id: named.then_some(*id) });
                if !named {
                    break;
                }
            }
        }
        Ok(changes)
    }

    /// Returns whether the watcher can see the changed object.
    async fn can_see(&self, read: &mut Read, topic: Topic, id: Uuid) -> store::Result<bool> {
        let actor = self.subscription.watcher.actor();
        let seen = match topic {
            Topic::Tasks => read.progress(TaskId(id)).await.map(drop),
            Topic::Approvals => read.approval(ApprovalId(id)).await.map(drop),
            Topic::Keys => read.key(KeyId(id)).await.map(drop),
            // People see changes of themselves; owners also those of members, invitations and access requests of their organization.
            Topic::People => {
                let own = actor.person().is_some_and(|own| own.0 == id);
                let owns = actor.role_in(OrganizationId(id)) == Some(Role::Owner);
                return Ok(own || owns || actor.can_read_everything());
            }
            // Runners and rules are visible to everyone.
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

/// Deduplicated changes of one batch.
#[derive(Debug, Default)]
struct PendingChanges {
    objects: BTreeSet<(&'static str, Uuid)>,
    missed: bool,
}

impl PendingChanges {
    fn add(&mut self, update: Update) {
        match update {
            Update::Event(Event { topic: Topic::Log, .. }) => {}
            Update::Event(event) => {
                self.objects.insert((event.topic.as_str(), event.id));
            }
            Update::Missed => self.missed = true,
        }
    }

    fn of(&self, topic: Topic) -> impl Iterator<Item = Uuid> {
        self.objects.iter().filter(move |(name, _)| *name == topic.as_str()).map(|(_, id)| *id)
    }
}

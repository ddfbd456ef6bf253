//! Events: committed changes, by topic.
use domain::TenantId;
use uuid::Uuid;

/// The kind of thing that an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// A task changed; the event's id is the task's.
    Tasks,
    /// A task printed output; the event's id is the task's.
    Log,
    /// An approval request was created or settled; its id.
    Approvals,
    /// A runner connected, disconnected or was revoked; its id.
    Runners,
    /// A person's rights or sessions changed; their id.
    People,
    /// A key was created or revoked; its id.
    Keys,
    /// The rules changed; the tenant's id.
    Rules,
    /// Events were missed because the database connection was lost: read again. The nil id.
    Missed,
}

impl Topic {
    /// All topics, with the names used in NOTIFY and in event streams.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Tasks, "tasks"),
        (Self::Log, "log"),
        (Self::Approvals, "approvals"),
        (Self::Runners, "runners"),
        (Self::People, "people"),
        (Self::Keys, "keys"),
        (Self::Rules, "rules"),
        (Self::Missed, "missed"),
    ];

    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(topic, _)| *topic == self).map_or("", |(_, word)| word)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, word)| *word == text).map(|(topic, _)| *topic)
    }
}

/// A committed change. A subscriber reads the store for what it may see of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    pub tenant: TenantId,
    pub topic: Topic,
    pub id: Uuid,
}

/// Instructs every subscriber to read again.
pub(crate) const MISSED: Event = Event { tenant: TenantId(Uuid::nil()), topic: Topic::Missed, id: Uuid::nil() };

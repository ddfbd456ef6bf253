//! Notifications: the events that people and webhooks are notified about, and through which channels.
use crate::{ApprovalId, Invalid, TaskId, Timestamp, string_enum::string_enum, text};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};
use uuid::Uuid;

/// Notifications of one kind within this time become one.
pub const DIGEST: Duration = Duration::from_mins(5);

string_enum! {
    /// An event that people and webhooks are notified about.
    Notification, "event", {
        /// An approval request that the person can decide was opened.
        ApprovalRequested = "approval.requested",
        /// Such a request expires soon.
        ApprovalExpiring = "approval.expiring",
        /// An approval request of the person was approved or denied, has expired, or was withdrawn.
        ApprovalDecided = "approval.decided",
        /// A task of the person ended.
        TaskEnded = "task.ended",
        /// A runner stopped sending heartbeats.
        RunnerSilent = "runner.silent",
        AnomalyDetected = "anomaly.detected",
        /// An API key of the person, or of a service account that they are responsible for, expires soon.
        KeyExpiring = "key.expiring",
    }
}

/// The channels through which a person gets a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    pub inbox: bool,
    pub mail: bool,
}

impl Notification {
    /// Returns the channels of people who have not chosen any.
    pub const fn default_channels(self) -> Channels {
        Channels { inbox: true, mail: !matches!(self, Self::TaskEnded | Self::AnomalyDetected) }
    }

    /// Returns whether the event is about an approval request.
    pub const fn is_of_approval(self) -> bool {
        matches!(self, Self::ApprovalRequested | Self::ApprovalExpiring | Self::ApprovalDecided)
    }

    /// Returns the page of the subject.
    pub fn path(self, subject: Uuid) -> String {
        match self {
            _ if self.is_of_approval() => format!("/approvals/{subject}"),
            Self::TaskEnded => format!("/tasks/{subject}"),
            Self::RunnerSilent => format!("/runners/{subject}"),
            Self::KeyExpiring => format!("/keys/{subject}"),
            _ => self.list().to_owned(),
        }
    }

    /// Returns the page of several subjects.
    pub const fn list(self) -> &'static str {
        match self {
            Self::ApprovalRequested | Self::ApprovalExpiring | Self::ApprovalDecided => "/approvals",
            Self::TaskEnded => "/tasks",
            Self::RunnerSilent => "/runners",
            Self::AnomalyDetected => "/anomalies",
            Self::KeyExpiring => "/keys",
        }
    }
}

string_enum! {
    /// The format of a webhook's messages.
    WebhookKind, "kind", {
        /// Signed JSON (Standard Webhooks).
        Generic = "generic",
        /// A text in the format of Slack's incoming webhooks.
        Slack = "slack",
    }
}

/// The events that a webhook receives; stored as their names, separated by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Events(pub BTreeSet<Notification>);

impl fmt::Display for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|event| event.as_str()).collect();
        f.write_str(&names.join(","))
    }
}

impl FromStr for Events {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let names = text.split(',').filter(|name| !name.is_empty());
        names.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// Maximum length of a webhook's URL, in bytes.
const MAX_URL_BYTES: usize = 1_000;

/// Validates the URL of a webhook. Whether its address is allowed is decided when a message is delivered.
///
/// # Errors
/// Fails if it is not an http or https URL of visible ASCII characters without credentials and fragment.
pub fn webhook_url(text: &str) -> Result<String, Invalid> {
    let text = text.trim();
    let is_plain =
        text.len() <= MAX_URL_BYTES && text.bytes().all(|b| b.is_ascii_graphic() && !b"#@\\\"<>".contains(&b));
    match webhook_host(text) {
        Some(_) if is_plain => Ok(text.to_owned()),
        _ => Err(Invalid::new("url", "must begin with https:// and have no user name and no fragment")),
    }
}

/// Returns the host and port of a webhook's URL, which are no secret.
pub fn webhook_host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    rest.split(['/', '?']).next().filter(|host| !host.is_empty())
}

/// Validates the name of a webhook.
///
/// # Errors
/// Fails if it is empty, too long or has invisible characters.
pub fn webhook_name(text: &str) -> Result<String, Invalid> {
    text::name("name", text, 80)
}

/// One event in a message to a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Id of the approval request, task, runner, anomaly or key.
    pub subject: Uuid,
    pub at: Timestamp,
    /// The title of the task, or the name of the runner or key. Private tasks have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalId>,
    /// The state of the approval request or task, or the kind of the anomaly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d_10_the_url_of_a_webhook_has_a_host_and_no_credentials() {
        for good in ["https://hooks.example.org/services/T1?x=1", " http://127.0.0.1:8080/hook ", "https://[::1]/"] {
            assert_eq!(webhook_url(good).as_deref(), Ok(good.trim()));
        }
        for bad in [
            "",
            "ftp://x",
            "https://",
            "https:///x",
            "https://a@b/",
            "https://a/#x",
            "https://a/ b",
            "//a",
            "javascript:1",
        ] {
            assert!(webhook_url(bad).is_err(), "{bad}");
        }
        assert!(webhook_url(&format!("https://a/{}", "x".repeat(MAX_URL_BYTES))).is_err());
        assert_eq!(webhook_host("https://hooks.example.org:8443/secret"), Some("hooks.example.org:8443"));
        assert_eq!(webhook_host("https://hooks.example.org?secret"), Some("hooks.example.org"));
    }

    #[test]
    fn d_10_events_are_stored_by_their_names() {
        let all = Events(Notification::ALL.iter().copied().collect());
        assert_eq!(all.to_string().parse(), Ok(all));
        assert_eq!("".parse(), Ok(Events::default()));
        assert!("task.ended,nothing".parse::<Events>().is_err());
    }
}

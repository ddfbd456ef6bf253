//! Security events (K-05): those without a change, such as throttled sign-ins, and the log line of each.
use crate::{Result, Write};
use domain::{
    Actor, PersonId, TenantId, Timestamp,
    audit::{Outcome, Record},
    security::SecurityEvent,
};
use serde_json::{Value, json};

/// A security event as a log line; all events have the same fields.
#[derive(Clone, Debug)]
pub struct SecurityLogEntry {
    pub event: SecurityEvent,
    pub at: Timestamp,
    /// The tenant, if known.
    pub tenant: Option<TenantId>,
    pub source_ip: Option<String>,
    /// Prefix of the API key in use, if any.
    pub key_prefix: Option<String>,
    /// The target: kind and id, or method and path.
    pub target: String,
    /// Further details without secrets.
    pub details: Value,
}

impl SecurityLogEntry {
    /// Builds the log line of an audit record.
    pub(crate) fn of(event: SecurityEvent, record: &Record, actor: &Actor) -> Self {
        let prefix = record.detail.get("key_prefix").and_then(Value::as_str).map(str::to_owned);
        Self {
            event,
            at: record.at,
            tenant: Some(actor.tenant),
            source_ip: actor.address.clone(),
            key_prefix: prefix.or_else(|| actor.key_prefix.clone()),
            target: format!("{} {}", record.target.kind, record.target.id),
            details: json!({ "action": record.action, "person": actor.person(), "of": record.detail }),
        }
    }

    /// Writes the line to the log.
    pub fn log(&self) {
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: "security",
                    event = self.event.as_str(),
                    timestamp = self.at.0,
                    source_ip = self.source_ip.as_deref(),
                    key_prefix = self.key_prefix.as_deref(),
                    tenant = self.tenant.map(tracing::field::display),
                    target = self.target.as_str(),
                    details = %self.details,
                    "security event"
                )
            };
        }
        match self.event {
            SecurityEvent::SessionCreation | SecurityEvent::SessionTermination => line!(info),
            _ => line!(warn),
        }
    }
}

/// A rate-limited request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimited {
    /// Route class.
    pub class: &'static str,
    /// Method and path, without secrets.
    pub target: String,
    /// Prefix of the API key in use, if any.
    pub key_prefix: Option<String>,
    /// Number of requests allowed per window.
    pub quota: u32,
    /// Length of the window, in seconds.
    pub window: u64,
}

impl Write {
    /// Records that a valid key was used where it is not allowed.
    pub async fn note_refused_key(&mut self, prefix: &str, reason: &str) -> Result<()> {
        let key = self.actor.key().map(|key| key.to_string()).unwrap_or_default();
        let detail = json!({ "key_prefix": prefix, "reason": reason });
        self.note("key.use", ("key", key), Outcome::Refused, detail).await
    }

    /// Records that an admin or auditor used an address that is not allowed for admin work.
    pub async fn note_admin_blocked(&mut self) -> Result<()> {
        let person = self.actor.person().map(|person| person.to_string()).unwrap_or_default();
        let detail = json!({ "reason": "the address is not among those of the setting admin.allow" });
        self.note("admin.admin_blocked", ("person", person), Outcome::Refused, detail).await
    }

    /// Records that sign-in as this person is throttled. The caller limits the number of records.
    pub async fn note_throttled(&mut self, person: PersonId) -> Result<()> {
        let detail = json!({ "reason": "too many wrong attempts to sign in, or to prove who it is" });
        self.note("rate_limit_exceeded", ("person", person.to_string()), Outcome::Refused, detail).await
    }

    /// Records that the actor was rate-limited. The caller limits the number of records.
    pub async fn note_rate_limited(&mut self, limited: RateLimited) -> Result<()> {
        let target = match (self.actor.key(), self.actor.person()) {
            (Some(key), _) => ("key", key.to_string()),
            (None, Some(person)) => ("person", person.to_string()),
            (None, None) => ("tenant", String::new()),
        };
        let RateLimited { class, target: asked, key_prefix, quota, window } = limited;
        let detail = json!({
            "class": class, "target": asked, "key_prefix": key_prefix, "quota": quota, "window_seconds": window,
        });
        self.note("rate_limit_exceeded", target, Outcome::Refused, detail).await
    }
}

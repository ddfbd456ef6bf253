//! Security events without a change (K-05), such as throttled sign-ins.
use crate::{Result, Write};
use domain::{PersonId, audit::Outcome};
use serde_json::json;

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
        let detail = json!({ "reason": "too many failed sign-in or step-up attempts" });
        self.note("rate_limit_exceeded", ("person", person.to_string()), Outcome::Refused, detail).await
    }

    /// Records that the actor was rate-limited. The caller limits the number of records.
    pub async fn note_rate_limited(&mut self, limited: RateLimited) -> Result<()> {
        let target = match (self.actor.key(), self.actor.person()) {
            (Some(key), _) => ("key", key.to_string()),
            (None, Some(person)) => ("person", person.to_string()),
            (None, None) => ("tenant", String::new()),
        };
        let RateLimited { class, target: address, key_prefix, quota, window } = limited;
        let detail = json!({
            "class": class, "target": address, "key_prefix": key_prefix, "quota": quota, "window_seconds": window,
        });
        self.note("rate_limit_exceeded", target, Outcome::Refused, detail).await
    }
}

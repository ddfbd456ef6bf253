//! Security events that no change makes (K-05): somebody was held off at the door.
use crate::{Result, Write};
use domain::audit::Outcome;
use serde_json::json;

/// That somebody asked too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimited {
    /// The class of routes.
    pub class: &'static str,
    /// Method and path, without what may be secret in it.
    pub target: String,
    /// The beginning of the key that was used, where one was.
    pub key_prefix: Option<String>,
    /// How many requests are allowed in a time.
    pub quota: u32,
    /// That time, in seconds.
    pub window: u64,
}

impl Write {
    /// Records that a key which works was shown where it may not be.
    pub async fn note_refused_key(&mut self, prefix: &str, reason: &str) -> Result<()> {
        let key = self.actor.key().map(|key| key.to_string()).unwrap_or_default();
        let detail = json!({ "key_prefix": prefix, "reason": reason });
        self.note("key.use", ("key", key), Outcome::Refused, detail).await
    }

    /// Records that an admin or auditor came from an address that admin work is not allowed from.
    pub async fn note_held_off(&mut self) -> Result<()> {
        let person = self.actor.person().map(|person| person.to_string()).unwrap_or_default();
        let detail = json!({ "reason": "the address is not among those of the setting admin.allow" });
        self.note("admin.held_off", ("person", person), Outcome::Refused, detail).await
    }

    /// Records that the actor asked too often. The caller sees to it that there are few of these.
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

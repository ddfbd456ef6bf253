//! Security log (K-05): one line for each security event.
use domain::{Actor, TenantId, Timestamp, audit::Record, security::SecurityEvent};
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

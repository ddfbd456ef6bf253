//! Domain model of Castellan: nouns and rules without I/O, async, a clock or randomness; it compiles to wasm.
//!
//! - [`access`]: who can reach a resource, and why
//! - [`account`]: second factors and security notices of an account
//! - [`actor`]: the authenticated principal of a request
//! - [`anomalies`]: thresholds of anomaly detection
//! - [`ansi`]: terminal output as text with fixed CSS classes
//! - [`approval`]: approval requests and decisions
//! - [`audit`]: audit records and their hash chain
//! - [`checkpoint`], [`compaction`]: signed checkpoints of the hash chain, and how a file of them stays small
//! - [`acknowledgment`]: signed acknowledgments of starts that cannot be explained
//! - [`consent`]: signed judgments and decisions that permit a request
//! - [`email`]: email addresses in normalized form
//! - [`grant`]: signed permissions to run one attempt
//! - [`id`]: a type for each kind of identifier
//! - [`joining`]: join requests and invitation limits
//! - [`label`]: labels of tasks
//! - [`limits`]: resource limits of tasks
//! - [`log`]: lines of task output
//! - [`network`]: network policies of tasks
//! - [`networks`]: allow lists of IP networks
//! - [`notification`]: events that people and webhooks are notified about
//! - [`passkey`]: passkeys of approvers, and assertions over decisions
//! - [`policy`]: the access policy, its actions and the registry of audit events
//! - [`provider`]: identity providers and their settings
//! - [`receipt`]: signed results of attempts
//! - [`request`]: canonical requests and digests
//! - [`review`]: access reviews
//! - [`role`]: roles in organizations and in the tenant
//! - [`rule`]: rules that run, queue or refuse submissions
//! - [`scope`]: scopes of API keys
//! - [`search_terms`]: terms of the full-text search in titles
//! - [`security`]: security events for monitoring
//! - [`statement`]: statements that can be signed
//! - [`succession`]: signing keys that name their successors
//! - [`task`]: submissions, task states and their transitions
//! - [`text`]: validation of text, hidden characters
//! - [`time`]: timestamps in microseconds
//! - [`visibility`]: who can see a task

pub mod access;
pub mod account;
pub mod acknowledgment;
pub mod actor;
pub mod anomalies;
pub mod ansi;
pub mod approval;
pub mod audit;
pub mod checkpoint;
pub mod compaction;
pub mod confirmation;
pub mod consent;
pub mod email;
pub mod grant;
pub mod id;
pub mod joining;
pub mod label;
pub mod limits;
pub mod log;
pub mod network;
pub mod networks;
pub mod notification;
mod outcome;
pub mod passkey;
pub mod pending_reason;
pub mod policy;
pub mod provider;
pub mod receipt;
pub mod request;
pub mod retention;
pub mod review;
pub mod role;
pub mod rule;
pub mod scope;
pub mod search_terms;
pub mod security;
pub mod statement;
mod string_enum;
pub mod succession;
pub mod task;
pub mod text;
pub mod time;
pub mod visibility;

pub use actor::{Actor, KeyLimits, Principal, SignedInBy};
pub use email::Email;
pub use id::*;
pub use networks::Networks;
pub use policy::{Action, Allowed, Denied};
pub use time::Timestamp;

/// A validation error: the field, and what is allowed, as text for the sender of the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[error("{field}: {reason}")]
pub struct Invalid {
    /// The name of the field in the API and in forms.
    pub field: String,
    /// A sentence without a full stop.
    pub reason: String,
}

impl Invalid {
    pub fn new(field: &str, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}

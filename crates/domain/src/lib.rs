//! The nouns of Castellan and their rules: no I/O, no async, no clock, no randomness; compiles to wasm.

pub mod access;
pub mod account;
pub mod actor;
pub mod anomalies;
pub mod ansi;
pub mod approval;
pub mod audit;
pub mod checkpoint;
pub mod email;
pub mod grant;
pub mod id;
pub mod joining;
pub mod label;
pub mod limits;
pub mod log;
pub mod network;
pub mod networks;
pub mod policy;
pub mod provider;
pub mod receipt;
pub mod request;
pub mod review;
pub mod role;
pub mod rule;
pub mod scope;
pub mod security;
mod string_enum;
pub mod task;
pub mod text;
pub mod time;
pub mod visibility;
pub mod words;

pub use actor::{Actor, KeyLimits, Principal, SignedInBy};
pub use email::Email;
pub use id::*;
pub use networks::Networks;
pub use policy::{Action, Allowed, Denied};
pub use time::Timestamp;

/// A value from outside that is not what it must be: which field, and what is allowed, in words for the person who sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[error("{field}: {reason}")]
pub struct Invalid {
    /// The field's name in the API and in forms.
    pub field: String,
    /// What is wrong and what is allowed: a sentence without a full stop.
    pub reason: String,
}

impl Invalid {
    /// A refusal of `field`'s value.
    pub fn new(field: &str, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}

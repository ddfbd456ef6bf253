//! Statements that can be signed, by the server or with a passkey.
use crate::{TaskId, request::canonical};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What a statement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case", deny_unknown_fields)]
pub enum Subject {
    Task(TaskId),
}

/// A statement that can be signed.
pub trait Statement: Serialize + DeserializeOwned {
    /// The domain separator: no statement of one kind can be taken for another.
    const LABEL: &'static [u8];

    /// Returns the signed bytes: the label, then the canonical JSON (RFC 8785).
    fn signed_bytes(&self) -> Vec<u8> {
        [Self::LABEL, &canonical(self)].concat()
    }
}

//! A receipt: the runner's signed word of what ran and how it ended (S-14).
use crate::{
    Invalid, RunnerId, TaskId, TenantId, Timestamp,
    grant::prefixed,
    request::{OutputDigest, RequestDigest},
};
use serde::{Deserialize, Serialize};

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// With this exit status, 0 to 255.
    Exited(i32),
    /// By this signal.
    Signaled(i32),
    /// Stopped at its time limit.
    TimedOut,
    /// Stopped because somebody cancelled it.
    Cancelled,
    /// Stopped because it used more memory than it may.
    OutOfMemory,
    /// It could not be started: the cause, and what to do about it.
    NotStarted(String),
}

/// What is signed with the runner's key (ECDSA P-384 with SHA-384, ASN.1) over [`Receipt::signed_bytes`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The wall that it stays behind.
    pub tenant: TenantId,
    /// The task.
    pub task: TaskId,
    /// Which start of it, from 1.
    pub attempt: u32,
    /// Who ran it.
    pub runner: RunnerId,
    /// What ran: the digest of the bytes that the runner executed.
    pub request: RequestDigest,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How it ended.
    pub end: End,
    /// The digest of the output as kept.
    pub output: OutputDigest,
    /// How many bytes it printed in all, kept or not.
    pub output_bytes: u64,
    /// How many lines were kept.
    pub output_lines: u64,
}

/// Separates receipts from whatever else the runner's key signs.
const LABEL: &[u8] = b"castellan-receipt-v1\0";

impl Receipt {
    /// The canonical bytes (RFC 8785), in which a receipt travels and is kept.
    pub fn canonical(&self) -> Vec<u8> {
        crate::request::canonical(self)
    }

    /// Reads canonical bytes; anything else, unknown fields among it, is refused.
    pub fn read(bytes: &[u8]) -> Result<Self, Invalid> {
        let receipt: Option<Self> = serde_json::from_slice(bytes).ok();
        let whole = receipt.filter(|receipt| receipt.canonical() == bytes);
        whole.ok_or_else(|| Invalid::new("receipt", "is not a receipt in its canonical form"))
    }

    /// The bytes that are signed.
    pub fn signed_bytes(&self) -> Vec<u8> {
        prefixed(LABEL, &[&self.canonical()])
    }
}

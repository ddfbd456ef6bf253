//! Receipts: the runner's signed results of attempts (S-14).
use crate::{
    Invalid, RunnerId, TaskId, TenantId, Timestamp,
    grant::prefixed,
    request::{OutputDigest, RequestDigest},
};
use serde::{Deserialize, Serialize};

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Exit status, 0 to 255.
    Exited(i32),
    /// The number of the signal.
    Signaled(i32),
    TimedOut,
    Cancelled,
    /// Killed at the memory limit.
    OutOfMemory,
    /// The cause, and how to fix it.
    NotStarted(String),
}

/// A receipt. The runner signs [`Receipt::signed_bytes`] with ECDSA P-384 and SHA-384 (ASN.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    pub tenant: TenantId,
    pub task: TaskId,
    /// From 1.
    pub attempt: u32,
    pub runner: RunnerId,
    /// The digest of the canonical request that the runner executed.
    pub request: RequestDigest,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub end: End,
    /// The digest of the stored output.
    pub output: OutputDigest,
    /// The number of printed bytes, stored or not.
    pub output_bytes: u64,
    /// The number of stored lines.
    pub output_lines: u64,
}

/// The domain separator of receipts in signatures.
const LABEL: &[u8] = b"castellan-receipt-v1\0";

impl Receipt {
    /// Returns the canonical JSON (RFC 8785) in which a receipt is sent and stored.
    pub fn canonical(&self) -> Vec<u8> {
        crate::request::canonical(self)
    }

    /// Parses canonical bytes; anything else, unknown fields included, is an error.
    pub fn read(bytes: &[u8]) -> Result<Self, Invalid> {
        let receipt: Option<Self> = serde_json::from_slice(bytes).ok();
        let whole = receipt.filter(|receipt| receipt.canonical() == bytes);
        whole.ok_or_else(|| Invalid::new("receipt", "is not a receipt in its canonical form"))
    }

    /// Returns the signed bytes.
    pub fn signed_bytes(&self) -> Vec<u8> {
        prefixed(LABEL, &[&self.canonical()])
    }
}

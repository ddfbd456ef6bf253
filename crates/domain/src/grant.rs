//! Grants: signed permissions for one runner to run one attempt of one canonical request.
use crate::{
    Invalid, RunnerId, TaskId, TenantId, Timestamp,
    consent::Consent,
    request::{RequestDigest, canonical},
};
use serde::{Deserialize, Serialize};

/// A grant. The server signs [`Grant::signed_bytes`] with Ed25519.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    pub tenant: TenantId,
    pub task: TaskId,
    /// The fencing token: the number of the start, from 1.
    pub attempt: u32,
    pub runner: RunnerId,
    /// The digest of the canonical request.
    pub request: RequestDigest,
    /// The signed statements that the grant rests on.
    pub consent: Consent,
    /// The latest start.
    pub expires_at: Timestamp,
}

/// The validation error of an expired grant.
pub const EXPIRED: &str = "has expired";

/// The domain separator of grants in signatures.
const LABEL: &[u8] = b"castellan-grant-v2\0";

impl Grant {
    /// Returns the signed bytes: every field is prefixed with its length, so that fields cannot run into each other
    /// (CVE-2026-58426).
    pub fn signed_bytes(&self) -> Vec<u8> {
        let (attempt, expires) = (self.attempt.to_be_bytes(), self.expires_at.0.to_be_bytes());
        let consent = canonical(&self.consent);
        let fields: [&[u8]; 7] = [
            self.tenant.0.as_bytes(),
            self.task.0.as_bytes(),
            &attempt,
            self.runner.0.as_bytes(),
            &self.request.0,
            &consent,
            &expires,
        ];
        prefixed(LABEL, &fields)
    }

    /// Returns the canonical JSON (RFC 8785) that is sent to the runner.
    pub fn canonical(&self) -> Vec<u8> {
        canonical(self)
    }

    /// Parses canonical bytes; anything else, unknown fields included, is an error.
    pub fn read(bytes: &[u8]) -> Result<Self, Invalid> {
        let grant: Option<Self> = serde_json::from_slice(bytes).ok();
        grant
            .filter(|grant| grant.canonical() == bytes)
            .ok_or_else(|| Invalid::new("grant", "is not a grant in its canonical form"))
    }

    /// Checks that a runner may start this request now; the signature has been verified before.
    pub fn permits(
        &self,
        request: &[u8],
        task: TaskId,
        attempt: u32,
        runner: RunnerId,
        now: Timestamp,
    ) -> Result<(), Invalid> {
        let refuse = |reason: &str| Err(Invalid::new("grant", reason));
        if self.request != RequestDigest::of(request) {
            return refuse("was given for another request");
        }
        if (self.task, self.attempt, self.runner) != (task, attempt, runner) {
            return refuse("was given for another task, attempt or runner");
        }
        if now > self.expires_at {
            return refuse(EXPIRED);
        }
        Ok(())
    }
}

/// Returns `label`, then every field prefixed with its length as a big-endian 64-bit integer.
pub(crate) fn prefixed(label: &[u8], fields: &[&[u8]]) -> Vec<u8> {
    let mut bytes = label.to_vec();
    for field in fields {
        bytes.extend(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend(*field);
    }
    bytes
}

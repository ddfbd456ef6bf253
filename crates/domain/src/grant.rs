//! A grant: the server's signed word to a runner that exactly this may run, this once.
use crate::{Invalid, PersonId, RunnerId, TaskId, TenantId, Timestamp, request::RequestDigest};
use serde::{Deserialize, Serialize};

/// What is signed (Ed25519). The signature is over [`Grant::signed_bytes`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The wall that it stays behind.
    pub tenant: TenantId,
    /// The task.
    pub task: TaskId,
    /// Which start of the task, from 1: the fencing number.
    pub attempt: u32,
    /// For which runner.
    pub runner: RunnerId,
    /// For exactly these bytes.
    pub request: RequestDigest,
    /// The rule that let it run, or that asked.
    pub rule: String,
    /// Who said yes, where people were asked.
    pub deciders: Vec<PersonId>,
    /// No start after this.
    pub expires_at: Timestamp,
}

/// What is wrong with a grant whose time is over.
pub const EXPIRED: &str = "has expired";

/// Separates grants from whatever else a key may ever sign.
const LABEL: &[u8] = b"castellan-grant-v1\0";

impl Grant {
    /// The bytes that are signed: every field with its length before it, so that none runs into the next (CVE-2026-58426).
    pub fn signed_bytes(&self) -> Vec<u8> {
        let deciders: Vec<u8> = self.deciders.iter().flat_map(|p| *p.0.as_bytes()).collect();
        let (attempt, expires) = (self.attempt.to_be_bytes(), self.expires_at.0.to_be_bytes());
        let fields: [&[u8]; 8] = [
            self.tenant.0.as_bytes(),
            self.task.0.as_bytes(),
            &attempt,
            self.runner.0.as_bytes(),
            &self.request.0,
            self.rule.as_bytes(),
            &deciders,
            &expires,
        ];
        prefixed(LABEL, &fields)
    }

    /// The canonical bytes (RFC 8785), in which a grant travels.
    pub fn canonical(&self) -> Vec<u8> {
        crate::request::canonical(self)
    }

    /// Reads canonical bytes; anything else, unknown fields among it, is refused.
    pub fn read(bytes: &[u8]) -> Result<Self, Invalid> {
        let grant: Option<Self> = serde_json::from_slice(bytes).ok();
        grant
            .filter(|grant| grant.canonical() == bytes)
            .ok_or_else(|| Invalid::new("grant", "is not a grant in its canonical form"))
    }

    /// Whether a runner may start what it is about to start; the signature was checked before.
    pub fn permits(
        &self,
        request: &[u8],
        task: TaskId,
        attempt: u32,
        runner: RunnerId,
        now: Timestamp,
    ) -> Result<(), Invalid> {
        let refuse = |why: &str| Err(Invalid::new("grant", why));
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

/// `label`, then every field after its length as eight bytes, the largest first.
pub(crate) fn prefixed(label: &[u8], fields: &[&[u8]]) -> Vec<u8> {
    let mut bytes = label.to_vec();
    for field in fields {
        bytes.extend(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend(*field);
    }
    bytes
}

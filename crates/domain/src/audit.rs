//! The audit log's records and their chain: one per tenant, each record bound to all before it.
use crate::{Action, Actor, Allowed, Denied, TenantId, Timestamp, request::canonical};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A record's or a chain's hash.
pub type Hash = [u8; 32];

/// What stands before the first record.
pub const GENESIS: Hash = [0; 32];

/// What is recorded of a change or a refused attempt. Its canonical JSON is what the chain holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When.
    pub at: Timestamp,
    /// Who: the kind of principal and its ids.
    pub actor: Value,
    /// How they signed in.
    pub by: String,
    /// What: an action's name.
    pub action: String,
    /// What it was done to.
    pub target: Target,
    /// `done` or `refused`.
    pub outcome: Outcome,
    /// What else there is to say; never secret, never personal.
    pub detail: Value,
    /// The digest of the personal data kept beside it (names, addresses), which can be erased without breaking the chain.
    pub personal_sha256: Option<String>,
}

/// What an action was done to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The noun.
    pub kind: String,
    /// Its id; empty for the tenant itself.
    pub id: String,
}

/// How it came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The change was made.
    Done,
    /// It was not allowed.
    Refused,
}

impl Outcome {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Done, Self::Refused];

    /// The word in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}

/// A record and the personal data that belongs beside it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// For the chain.
    pub record: Record,
    /// Canonical JSON for the side column.
    pub personal: Option<String>,
}

impl Entry {
    /// The record of an allowed action. `salt` (random) keeps the personal data from being guessed by its digest.
    pub fn of<A: Action>(proof: &Allowed<A>, at: Timestamp, salt: [u8; 16]) -> Self {
        let (kind, id) = proof.action().target();
        Self::new(proof.actor(), A::NAME, (kind, id), Outcome::Done, proof.action().detail(), at).with_personal(
            proof.actor(),
            proof.action().personal(),
            salt,
        )
    }

    /// The record of a refused attempt.
    pub fn refused(actor: &Actor, denied: &Denied, at: Timestamp, salt: [u8; 16]) -> Self {
        let mut detail = serde_json::json!({ "reason": denied.reason });
        if let (Some(prefix), Value::Object(fields)) = (&actor.key_prefix, &mut detail) {
            fields.insert("key_prefix".into(), prefix.as_str().into());
        }
        Self::new(actor, denied.action, denied.target.clone(), Outcome::Refused, detail, at).with_personal(
            actor,
            Value::Null,
            salt,
        )
    }

    /// The record of something that no policy decides: a state that changed with time, an attempt to sign in.
    pub fn event(
        actor: &Actor,
        action: &str,
        target: (&str, String),
        outcome: Outcome,
        detail: Value,
        at: Timestamp,
        salt: [u8; 16],
    ) -> Self {
        Self::new(actor, action, target, outcome, detail, at).with_personal(actor, Value::Null, salt)
    }

    fn new(
        actor: &Actor,
        action: &str,
        target: (&str, String),
        outcome: Outcome,
        detail: Value,
        at: Timestamp,
    ) -> Self {
        let record = Record {
            at,
            actor: serde_json::to_value(&actor.principal).unwrap_or_default(),
            by: actor.by.to_string(),
            action: action.to_owned(),
            target: Target { kind: target.0.to_owned(), id: target.1 },
            outcome,
            detail,
            personal_sha256: None,
        };
        Self { record, personal: None }
    }

    /// Adds what the action was done with to the record.
    #[must_use]
    pub fn with_detail(mut self, key: &str, value: Value) -> Self {
        match &mut self.record.detail {
            Value::Object(fields) => {
                fields.insert(key.to_owned(), value);
            }
            other => *other = serde_json::json!({ key: value }),
        }
        self
    }

    /// Points the record at what the action made.
    #[must_use]
    pub fn on(mut self, kind: &str, id: String) -> Self {
        self.record.target = Target { kind: kind.to_owned(), id };
        self
    }

    fn with_personal(mut self, actor: &Actor, action: Value, salt: [u8; 16]) -> Self {
        let actor = match actor.person() {
            Some(_) => serde_json::json!({ "name": actor.name, "email": actor.email, "address": actor.address }),
            None => serde_json::json!({ "name": actor.name, "address": actor.address }),
        };
        let personal = canonical(&serde_json::json!({ "salt": hex::encode(salt), "actor": actor, "action": action }));
        self.record.personal_sha256 = Some(hex::encode(Sha256::digest(&personal)));
        self.personal = String::from_utf8(personal).ok();
        self
    }

    /// The bytes that the chain holds.
    pub fn body(&self) -> String {
        String::from_utf8(canonical(&self.record)).unwrap_or_default()
    }
}

/// The hash of record `seq` (from 1) over all before it.
pub fn link(tenant: TenantId, seq: i64, previous: &Hash, body: &str) -> Hash {
    let mut hash = Sha256::new();
    hash.update(b"castellan-audit-v1\0");
    hash.update(tenant.0.as_bytes());
    hash.update(seq.to_be_bytes());
    hash.update(previous);
    hash.update(u64::try_from(body.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(body.as_bytes());
    hash.finalize().into()
}

/// A stored record, as verification reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its number, from 1 without gaps.
    pub seq: i64,
    /// The bytes that the hash is over.
    pub body: String,
    /// The hash of the one before.
    pub previous: Vec<u8>,
    /// Its own.
    pub hash: Vec<u8>,
    /// The personal data beside it, unless erased.
    pub personal: Option<String>,
}

/// The one field of a record that verification reads.
#[derive(Deserialize)]
struct Digested<'a> {
    #[serde(borrow)]
    personal_sha256: Option<&'a str>,
}

/// Verifies a chain record by record.
#[derive(Clone, Debug)]
pub struct Verifier {
    tenant: TenantId,
    seq: i64,
    hash: Hash,
}

/// The first record that is not what it was, and in what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {seq}: {reason}")]
pub struct Broken {
    /// Its number.
    pub seq: i64,
    /// In words for the person who verifies.
    pub reason: &'static str,
}

impl Verifier {
    /// At the beginning of a tenant's chain.
    pub const fn new(tenant: TenantId) -> Self {
        Self { tenant, seq: 0, hash: GENESIS }
    }

    /// Takes the next record.
    pub fn take(&mut self, record: &Stored) -> Result<(), Broken> {
        let seq = self.seq + 1;
        let broken = |reason| Err(Broken { seq, reason });
        if record.seq != seq {
            return broken("is missing");
        }
        if record.previous != self.hash {
            return broken("does not follow the one before it");
        }
        let hash = link(self.tenant, seq, &self.hash, &record.body);
        if record.hash != hash {
            return broken("was changed");
        }
        if let Some(personal) = &record.personal {
            let kept = serde_json::from_str::<Digested<'_>>(&record.body).ok().and_then(|r| r.personal_sha256);
            if kept.is_none_or(|kept| kept != hex::encode(Sha256::digest(personal.as_bytes()))) {
                return broken("has other names beside it than when it was written");
            }
        }
        (self.seq, self.hash) = (seq, hash);
        Ok(())
    }

    /// How many records were taken, and the hash of the last.
    pub const fn head(&self) -> (i64, Hash) {
        (self.seq, self.hash)
    }
}

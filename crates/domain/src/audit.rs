//! Audit records and their hash chain: one chain per tenant, each record bound to all before it.
use crate::{
    Action, Actor, Allowed, Denied, PersonId, TenantId, Timestamp,
    policy::{ErasePersonalData, FreezeTenant, UnfreezeTenant},
    request::canonical,
    retention,
    security::SecurityEvent,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{collections::BTreeSet, ops::RangeInclusive};

pub use crate::outcome::Outcome;

/// SHA-256 hash of a record or a chain.
pub type Hash = [u8; 32];

/// The hash before the first record.
pub const GENESIS: Hash = [0; 32];

/// A record of a change or a refused attempt. The chain covers its canonical JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub at: Timestamp,
    /// The kind of principal and its ids.
    pub actor: Value,
    /// The authentication method.
    pub by: String,
    /// The name of the audit event.
    pub action: String,
    pub target: Target,
    pub outcome: Outcome,
    /// Further details; never secret, never personal.
    pub detail: Value,
    /// The digest of the personal data (names, addresses), which is stored separately and can be erased without
    /// breaking the chain.
    pub personal_sha256: Option<String>,
}

impl Record {
    /// Returns the person behind the actor, if any.
    pub fn person(&self) -> Option<PersonId> {
        let id = self.actor.get("person").or_else(|| self.actor.pointer("/key/owner"))?;
        id.as_str()?.parse().ok()
    }

    /// Returns the sequence numbers of the records whose personal data this record erased; empty for other records.
    pub fn erased(&self) -> Vec<RangeInclusive<i64>> {
        if !ERASING.contains(&self.action.as_str()) || self.outcome != Outcome::Done {
            return vec![];
        }
        let ranges = self.detail.get(ERASED).cloned().map(serde_json::from_value::<Vec<(i64, i64)>>);
        ranges.and_then(Result::ok).unwrap_or_default().into_iter().map(|(first, last)| first..=last).collect()
    }

    /// Returns the values that are also stored in columns.
    pub fn columns(&self) -> Columns {
        Columns {
            at: self.at,
            action: self.action.clone(),
            outcome: self.outcome.as_str().to_owned(),
            person: self.person(),
            target: self.target.clone(),
            event: SecurityEvent::of(&self.action, self.outcome).map(|event| event.as_str().to_owned()),
        }
    }
}

/// The values of a record that are also stored in columns, so that lists can filter by them. The chain does not cover
/// them; only their equality with the record makes them trustworthy (E17).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    pub at: Timestamp,
    pub action: String,
    pub outcome: String,
    pub person: Option<PersonId>,
    pub target: Target,
    /// The security event, if the record is one.
    pub event: Option<String>,
}

/// The target of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub kind: String,
    /// Empty for the tenant itself.
    pub id: String,
}

/// The actions whose records can list records whose personal data they erased.
pub const ERASING: [&str; 2] = [ErasePersonalData::NAME, retention::DELETED];

/// The detail of a record that lists the records whose personal data was erased.
const ERASED: &str = "records";

/// An audit record with its personal data.
#[derive(Clone, Debug)]
pub struct Entry {
    pub record: Record,
    /// Canonical JSON, stored in a separate column.
    pub personal: Option<String>,
}

impl Entry {
    /// Returns the record of an allowed action. The random `salt` prevents guessing the personal data from its digest.
    pub fn of<A: Action>(proof: &Allowed<A>, at: Timestamp, salt: [u8; 16]) -> Self {
        Self::by(proof.actor(), proof, at, salt)
    }

    /// Returns the record of an allowed action that another person requested and the actor confirmed.
    pub fn confirmed<A: Action>(
        proof: &Allowed<A>,
        confirmer: &Actor,
        requester: PersonId,
        at: Timestamp,
        salt: [u8; 16],
    ) -> Self {
        Self::by(confirmer, proof, at, salt).with_detail("requester", serde_json::json!(requester))
    }

    fn by<A: Action>(actor: &Actor, proof: &Allowed<A>, at: Timestamp, salt: [u8; 16]) -> Self {
        let (kind, id) = proof.action().target();
        Self::new(actor, A::NAME, (kind, id), Outcome::Done, proof.action().detail(), at).with_personal(
            actor,
            proof.action().personal(),
            salt,
        )
    }

    /// Returns the record of a refused attempt.
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

    /// Returns the record of an event without a policy decision: a timer, an attempt to sign in.
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

    /// Adds a detail to the record.
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

    /// Adds the sequence numbers of the records whose personal data this record erases, as ranges: `[[3, 3], [7, 9]]`.
    #[must_use]
    pub fn with_erased(self, erased: &BTreeSet<i64>) -> Self {
        let mut ranges: Vec<(i64, i64)> = vec![];
        for &seq in erased {
            match ranges.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(seq) => *last = seq,
                _ => ranges.push((seq, seq)),
            }
        }
        self.with_detail(ERASED, serde_json::json!(ranges)).with_detail("count", serde_json::json!(erased.len()))
    }

    /// Replaces the target by what the action created.
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

    /// Returns the canonical JSON that the chain covers.
    pub fn body(&self) -> String {
        String::from_utf8(canonical(&self.record)).unwrap_or_default()
    }
}

/// Returns the SHA-256 of personal data in hex, as the record contains it.
pub fn sha256(personal: &str) -> String {
    hex::encode(Sha256::digest(personal))
}

/// Returns the hash of record `seq` (from 1) over all before it.
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
    /// From 1, without gaps.
    pub seq: i64,
    /// The canonical JSON that the hash covers.
    pub body: String,
    pub previous: Vec<u8>,
    pub hash: Vec<u8>,
    /// `None` if erased.
    pub personal: Option<String>,
    pub columns: Columns,
}

impl Stored {
    /// Checks everything of the record except its position after the previous one, and returns it.
    ///
    /// # Errors
    /// The reason why it is not what was written, for the person who verifies.
    pub fn check(&self, tenant: TenantId) -> Result<Record, &'static str> {
        let previous = Hash::try_from(self.previous.as_slice()).map_err(|_| "was changed")?;
        if self.hash != link(tenant, self.seq, &previous, &self.body) {
            return Err("was changed");
        }
        let record: Record = serde_json::from_str(&self.body).map_err(|_| "is not a record")?;
        if let Some(personal) = &self.personal
            && record.personal_sha256.as_ref().is_none_or(|digest| *digest != sha256(personal))
        {
            return Err("has personal data that was changed");
        }
        if record.columns() != self.columns {
            return Err("has columns that differ from its content");
        }
        Ok(record)
    }
}

/// A verifier that reads a chain record by record.
#[derive(Clone, Debug)]
pub struct Verifier {
    tenant: TenantId,
    seq: i64,
    hash: Hash,
    frozen_at: Option<Timestamp>,
    /// The number of records that were written with personal data.
    personal: u64,
    /// The number of records whose erasure is explained.
    erased: u64,
    /// Records without their personal data that no later record explains so far.
    unexplained: BTreeSet<i64>,
}

/// The first record that fails verification.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {seq}: {reason}")]
pub struct ChainError {
    pub seq: i64,
    /// A description for the person who verifies.
    pub reason: &'static str,
}

impl Verifier {
    /// Starts at the beginning of a tenant's chain.
    pub const fn new(tenant: TenantId) -> Self {
        Self { tenant, seq: 0, hash: GENESIS, frozen_at: None, personal: 0, erased: 0, unexplained: BTreeSet::new() }
    }

    /// Verifies the next record.
    pub fn take(&mut self, stored: &Stored) -> Result<(), ChainError> {
        let seq = self.seq + 1;
        let broken = |reason| ChainError { seq, reason };
        if stored.seq != seq {
            return Err(broken("is missing"));
        }
        if stored.previous != self.hash {
            return Err(broken("does not follow the one before it"));
        }
        let record = stored.check(self.tenant).map_err(broken)?;
        match (record.action.as_str(), record.outcome) {
            (FreezeTenant::NAME, Outcome::Done) => self.frozen_at = Some(record.at),
            (UnfreezeTenant::NAME, Outcome::Done) => self.frozen_at = None,
            _ => {}
        }
        for number in record.erased().into_iter().flatten().take_while(|number| *number < seq) {
            if !self.unexplained.remove(&number) {
                return Err(broken("names a record whose personal data is not erased"));
            }
            self.erased += 1;
        }
        if record.personal_sha256.is_some() {
            self.personal += 1;
            if stored.personal.is_none() {
                self.unexplained.insert(seq);
            }
        }
        (self.seq, self.hash) = (seq, link(self.tenant, seq, &self.hash, &stored.body));
        Ok(())
    }

    /// Returns when the tenant was frozen according to the verified records; `None` if it is not frozen.
    pub const fn frozen_at(&self) -> Option<Timestamp> {
        self.frozen_at
    }

    /// Returns the numbers of verified records that were written with personal data, and of those whose data was erased.
    pub const fn personal(&self) -> (u64, u64) {
        (self.personal, self.erased)
    }

    /// Returns the first record whose personal data is missing although no record explains it. Call it at the end of the
    /// chain, because the explanation follows.
    pub fn unexplained_erasure(&self) -> Option<ChainError> {
        let seq = *self.unexplained.first()?;
        Some(ChainError { seq, reason: "has no personal data, and no event explains the erasure" })
    }

    /// Returns the number of verified records and the last hash.
    pub const fn head(&self) -> (i64, Hash) {
        (self.seq, self.hash)
    }
}

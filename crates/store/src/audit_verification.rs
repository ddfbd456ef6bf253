//! Verification of a tenant's audit log: its hash chain, its columns, its head, and the checkpoints that were signed of it.
use crate::{Read, Result, audit::Head, db::conn::tenant_query};
use domain::{
    Allowed, Timestamp,
    audit::{ChainError, Hash, Verifier},
    policy::ReadAudit,
};
use std::collections::BTreeMap;

/// Number of events per statement.
const BATCH_SIZE: u32 = 2_000;

crate::db::column::row_type! {
    /// The row that counts the events of a tenant and holds its freeze.
    pub struct HeadRow {
        pub seq: i64,
        pub hash: Vec<u8>,
        pub frozen_at: Option<Timestamp>,
    }
}

/// A log that is what was written.
#[derive(Clone, Debug)]
pub struct VerifiedLog {
    pub head: Head,
    /// The number of events that were written with personal data.
    pub personal: u64,
    /// The number of events whose personal data was erased, as audit events explain.
    pub erased: u64,
}

impl Read {
    /// Verifies every event of the tenant and the row of the head. `signed` are the hashes that the log must have at some
    /// sizes.
    ///
    /// # Errors
    /// The inner result has the first event that is not what was written.
    pub async fn verify_audit(
        &mut self,
        proof: &Allowed<ReadAudit>,
        signed: &BTreeMap<i64, Hash>,
    ) -> Result<Result<VerifiedLog, ChainError>> {
        const HEAD: &str = "select seq, hash, frozen_at from audit_head where tenant_id = $1";
        let mut verifier = Verifier::new(self.tenant);
        loop {
            let batch = self.audit_from(proof, verifier.head().0, BATCH_SIZE).await?;
            if batch.is_empty() {
                break;
            }
            for stored in batch {
                if let Err(broken) = verifier.take(&stored) {
                    return Ok(Err(broken));
                }
                let (size, hash) = verifier.head();
                if signed.get(&size).is_some_and(|signed| *signed != hash) {
                    return Ok(Err(ChainError { seq: size, reason: "differs from the signed checkpoint" }));
                }
            }
        }
        let (seq, hash) = verifier.head();
        let broken = |seq, reason| Ok(Err(ChainError { seq, reason }));
        if signed.last_key_value().is_some_and(|(signed, _)| *signed > seq) {
            return broken(seq + 1, "is missing; a signed checkpoint covers it");
        }
        let Some(head) = tenant_query!(self, HeadRow, fetch_optional, HEAD)? else {
            return broken(seq, "is the last, and the head of the log is missing");
        };
        if head.seq > seq {
            return broken(seq + 1, "is missing; the head of the log counts it");
        }
        if head.seq < seq {
            return broken(head.seq + 1, "is not counted by the head of the log");
        }
        if head.hash != hash {
            return broken(seq, "differs from the head of the log");
        }
        if head.frozen_at != verifier.frozen_at() {
            return broken(seq, "is the last, and the freeze of the tenant was changed outside of the log");
        }
        if let Some(unexplained) = verifier.unexplained_erasure() {
            return Ok(Err(unexplained));
        }
        let (personal, erased) = verifier.personal();
        Ok(Ok(VerifiedLog { head: Head { seq, hash }, personal, erased }))
    }
}

//! Signed checkpoints of the audit log in the database: the last one of each server, with which its file is compared.
use crate::{
    Read, Result, Write,
    db::{column::row_type, conn::tenant_query},
};
use domain::{
    Allowed,
    audit::{Hash, Stored},
    policy::{AcknowledgeAudit, RestoreAudit},
};
use uuid::Uuid;

/// Number of servers whose last checkpoint is kept: those that signed last. A server with a new data directory is a new one.
const MAX_SERVERS: i64 = 100;

row_type! {
    /// The last checkpoint of one server. Only its signature makes it count.
    pub struct CheckpointRow {
        pub node_id: Uuid,
        pub note: String,
    }
}

impl Read {
    /// Returns the last checkpoint that each server signed of this tenant.
    pub async fn checkpoints(&mut self) -> Result<Vec<CheckpointRow>> {
        const SQL: &str = "select node_id, note from checkpoint where tenant_id = $1 order by node_id limit 1000";
        tenant_query!(self, CheckpointRow, fetch_all, SQL)
    }

    /// Returns the hash of the event with this sequence number; `None` if there is no such event, or it is not what was
    /// written.
    pub async fn audit_hash(&mut self, seq: i64) -> Result<Option<Hash>> {
        let stored: Option<Stored> = self.stored_event(seq).await?;
        let intact = stored.filter(|stored| stored.check(self.tenant).is_ok());
        Ok(intact.and_then(|stored| stored.hash.try_into().ok()))
    }
}

impl Write {
    /// Stores the last checkpoint of a server, after its file contains it.
    pub async fn keep_checkpoint(&mut self, node: Uuid, note: String) -> Result<()> {
        const SQL: &str = "insert into checkpoint (tenant_id, node_id, note, signed_at) values ($1, $2, $3, $4)
             on conflict (tenant_id, node_id) do update set note = $3, signed_at = $4";
        const OLD: &str = "delete from checkpoint where tenant_id = $1 and node_id in (select node_id from checkpoint
             where tenant_id = $1 order by signed_at desc, node_id desc limit 10000 offset $2)";
        tenant_query!(self, execute, SQL, node, note, self.now)?;
        tenant_query!(self, execute, OLD, MAX_SERVERS).map(drop)
    }

    /// Records that an admin continues with an altered log.
    pub async fn acknowledge_audit(&mut self, proof: Allowed<AcknowledgeAudit>) -> Result<()> {
        let entry = self.entry(&proof)?;
        self.record(entry).await
    }

    /// Records that an admin continues with the log of a restored backup.
    pub async fn restore_audit(&mut self, proof: Allowed<RestoreAudit>) -> Result<()> {
        let entry = self.entry(&proof)?;
        self.record(entry).await
    }
}

//! Signing again after the grant key was replaced: the rules in force, and the judgments and decisions of tasks that have not ended.
//! Signatures of replaced keys are not enough to start anything, because a copy of such a key can still sign.
use super::{
    Keys, readable,
    record::{StoredTask, record_columns},
};
use crate::{Error, Result, Write, audit::BodyRow, db::conn::tenant_query};
use domain::{
    Allowed, TaskId,
    audit::Record,
    consent::{Signed, Statement},
    policy::RotateGrantKey,
};
use serde_json::json;
use uuid::Uuid;

/// Number of tasks that are read at once.
const BATCH: i64 = 200;

impl Write {
    /// Signs what can still start with the present key and records it, once per key. Statements that neither this key nor one that it
    /// replaced has signed, and rows that cannot be read, stay as they are. Returns the number of statements; `None` if the audit
    /// log already names this key.
    pub async fn sign_again(&mut self, proof: Allowed<RotateGrantKey>) -> Result<Option<usize>> {
        const LAST: &str = "select seq, body from audit where tenant_id = $1 and action = 'grant_key.rotate'
             order by seq desc limit 1";
        let last = tenant_query!(self, BodyRow, fetch_optional, LAST)?;
        let record = last.and_then(|last| serde_json::from_str::<Record>(&last.body).ok());
        let entry = self.entry(&proof)?;
        if record.is_some_and(|record| record.detail["key"] == entry.record.detail["key"]) {
            return Ok(None);
        }
        self.conn.lift_deadline().await?; // there can be many tasks
        let rules = readable(self.sign_rules_again().await)?.unwrap_or(false);
        let (mut count, mut after) = (usize::from(rules), TaskId(Uuid::nil()));
        loop {
            let tasks = self.open_tasks(after).await?;
            let Some(last) = tasks.last() else { break };
            after = last.id;
            for task in &tasks {
                count += readable(self.sign_task_again(task).await)?.unwrap_or(0);
            }
        }
        self.record(entry.with_detail("statements", json!(count))).await?;
        Ok(Some(count))
    }

    async fn open_tasks(&mut self, after: TaskId) -> Result<Vec<StoredTask>> {
        const SQL: &str = concat!(
            "select ",
            record_columns!(),
            " from task where tenant_id = $1 and id > $2
                and state in ('submitted', 'awaiting_approval', 'queued', 'assigned', 'running') order by id limit $3"
        );
        tenant_query!(self, StoredTask, fetch_all, SQL, after, BATCH)
    }

    /// Returns the number of statements about this task that were signed again.
    async fn sign_task_again(&mut self, task: &StoredTask) -> Result<usize> {
        let Some(record) = &task.record else { return Err(Error::Corrupt("task")) };
        let labels = self.labels(&[task.id]).await?;
        let approval = self.approval_record(task.id).await?;
        let Ok(judged) = self.judged(record, &labels, approval, Keys::WithRetired) else { return Ok(0) };
        let mut count = 0;
        if let Some(signature) = self.signed_again(&judged.judgment) {
            const SQL: &str = "update task set judgment_signature = $3 where tenant_id = $1 and id = $2";
            tenant_query!(self, execute, SQL, task.id, signature)?;
            count += 1;
        }
        let Some(approval) = &judged.approval else { return Ok(count) };
        for row in self.decision_records(approval.id).await? {
            let signed = row.signed(&judged, approval.id);
            if let Some(signature) = signed.and_then(|signed| self.signed_again(&signed)) {
                const SQL: &str =
                    "update decision set signature = $4 where tenant_id = $1 and approval_id = $2 and person_id = $3";
                tenant_query!(self, execute, SQL, approval.id, row.person_id, signature)?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Returns a new signature if a key that was replaced made the one that the statement has.
    fn signed_again<T: Statement>(&self, signed: &Signed<T>) -> Option<Vec<u8>> {
        let (signer, bytes) = (self.store.signer(), signed.statement.signed_bytes());
        signer.verifies_retired(&bytes, &signed.signature.0).then(|| signer.sign(&bytes).to_vec())
    }
}

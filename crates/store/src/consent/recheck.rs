//! Confirmation of a claim: on PostgreSQL, rights and rules can change while a claim reads them.
use super::{Ruling, TaskRecord, record_columns};
use crate::{
    Result, Write,
    audit::Head,
    db::{
        column::Number,
        conn::{Conn, tenant_query},
    },
};
use domain::consent::Consent;

/// A claimed task that may start, with the statements that permit it.
pub(crate) type Permitted = (TaskRecord, Box<Consent>);

impl Write {
    /// Returns the size of the audit log before a claim; `None` on SQLite, whose single writer excludes other changes.
    pub(crate) async fn size_before_claim(&mut self) -> Result<Option<i64>> {
        const SQL: &str = "select seq, hash from audit_head where tenant_id = $1";
        match &self.conn {
            Conn::Sqlite(_) => Ok(None),
            Conn::Postgres(_) => Ok(Some(tenant_query!(self, Head, fetch_one, SQL)?.seq)),
        }
    }

    /// Locks the audit log and judges tasks again if rights or rules changed since the log had the size `since`. Tasks that may
    /// no longer start return to the queue, where the next claim decides about them: rows of others must not be locked after
    /// the audit log.
    ///
    /// Each change of rights or rules holds the same lock from its audit event to its commit. One that came first is visible
    /// here, and any other is recorded after these starts.
    pub(crate) async fn recheck_claim(
        &mut self,
        since: Option<i64>,
        permitted: Vec<Permitted>,
    ) -> Result<Vec<Permitted>> {
        let (Some(since), false) = (since, permitted.is_empty()) else { return Ok(permitted) };
        const CHANGES: &str =
            "select count(*) as n from audit where tenant_id = $1 and seq > $2 and action not like 'task.%'
            and action not like 'approval.%' and action not like 'runner.%' and action not like 'browser_session.%'";
        self.lock_audit_log().await?;
        if tenant_query!(self, Number, fetch_one, CHANGES, since)?.n == 0 {
            return Ok(permitted);
        }
        let mut records = vec![];
        for (task, _) in permitted {
            const SQL: &str = concat!("select ", record_columns!(), " from task where tenant_id = $1 and id = $2");
            records.push(tenant_query!(self, TaskRecord, fetch_one, SQL, task.id)?);
        }
        let mut confirmed = vec![];
        for (task, ruling) in self.judge_claimed(records).await? {
            match ruling {
                Ruling::Start(consent) => confirmed.push((task, consent)),
                _ => {
                    self.undo_attempt(task.id).await?;
                    self.queue_again(task.id).await?;
                }
            }
        }
        Ok(confirmed)
    }

    /// Locks the approval request of a claimed task, which other transactions lock before the task. Returns `false` if one of
    /// them holds it: waiting for it could deadlock.
    pub(crate) async fn lock_approval_of_claimed(&mut self, record: &TaskRecord) -> Result<bool> {
        const SQL: &str = "select count(*) as n from (select id from approval where tenant_id = $1 and task_id = $2
             for update skip locked) locked";
        match &self.conn {
            Conn::Postgres(_) if record.required_approval => {
                Ok(tenant_query!(self, Number, fetch_one, SQL, record.id)?.n > 0)
            }
            Conn::Postgres(_) | Conn::Sqlite(_) => Ok(true),
        }
    }
}

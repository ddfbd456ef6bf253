//! Verification that every task that started had consent: its submission, its judgment and its decisions agree with the audit log.
use super::{
    Keys, NOT_APPROVED, UNREADABLE, readable,
    record::{StoredTask, TaskRecord, record_columns},
    trusted, wrong_end,
};
use crate::{Error, Read, Result, Write, audit::BodyRow, db::conn::tenant_query};
use domain::{
    Allowed, TaskId, acknowledgment::AcknowledgedStart, approval::Answer, audit::Record, consent::Signed,
    passkey::PasskeyError, policy::ReadAudit, request::InputDigest, rule::Verdict,
};
use serde::Deserialize;
use serde_json::json;

const OTHER_STATE: &str = "the audit log has another state or other times for it";

/// A task whose start cannot be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnexplainedStart {
    pub task: TaskId,
    /// What differs, for the operator.
    pub problem: &'static str,
    /// The digest of the task's rows, so that an acknowledgment does not excuse later changes. Rows that cannot be read have that of
    /// nothing.
    pub rows: InputDigest,
}

/// The result for some tasks.
#[derive(Debug)]
pub struct VerifiedStarts {
    /// The last task that was examined; `None` at the end.
    pub last: Option<TaskId>,
    /// Number of tasks that were examined.
    pub count: usize,
    pub unexplained: Vec<UnexplainedStart>,
}

impl Read {
    /// Returns the starts that admins acknowledged, according to the audit log. The caller verifies their signatures.
    pub async fn acknowledged_starts(&mut self, _: &Allowed<ReadAudit>) -> Result<Vec<Signed<AcknowledgedStart>>> {
        const SQL: &str =
            "select seq, body from audit where tenant_id = $1 and action = 'audit.acknowledge' and seq > $2
             order by seq limit 200";
        let (mut starts, mut after) = (vec![], 0_i64);
        loop {
            let rows = tenant_query!(self, BodyRow, fetch_all, SQL, after)?;
            let Some(last) = rows.last() else { return Ok(starts) };
            after = last.seq;
            for row in &rows {
                let record = serde_json::from_str::<Record>(&row.body).ok();
                let list = record.and_then(|record| Vec::deserialize(&record.detail["starts"]).ok());
                starts.extend(list.unwrap_or_default());
            }
        }
    }
}

impl Write {
    /// Examines up to `limit` started tasks with ids above `after`. The caller does not commit.
    pub async fn verify_starts(
        &mut self,
        _: &Allowed<ReadAudit>,
        after: Option<TaskId>,
        limit: u32,
    ) -> Result<VerifiedStarts> {
        const SQL: &str = concat!(
            "select ",
            record_columns!(),
            " from task where tenant_id = $1 and id > $2 and attempt > 0 order by id limit $3"
        );
        let after = after.unwrap_or(TaskId(uuid::Uuid::nil()));
        let started = tenant_query!(self, StoredTask, fetch_all, SQL, after, limit)?;
        let (last, count) = (started.last().map(|task| task.id), started.len());
        let mut unexplained = vec![];
        for StoredTask { id: task, record } in started {
            let problem = match &record {
                Some(record) => readable(self.unexplained(record).await)?.unwrap_or(Some(UNREADABLE)),
                None => Some(UNREADABLE),
            };
            let (Some(problem), nothing) = (problem, InputDigest::of(b"")) else { continue };
            let rows = match &record {
                Some(record) => readable(self.rows_digest(record, problem).await)?.unwrap_or(nothing),
                None => nothing,
            };
            unexplained.push(UnexplainedStart { task, problem, rows });
        }
        Ok(VerifiedStarts { last, count, unexplained })
    }

    /// Returns the digest of what the rows of a task say, apart from what changes while it waits or runs unless that is the problem.
    async fn rows_digest(&mut self, task: &TaskRecord, problem: &str) -> Result<InputDigest> {
        let labels = self.labels(&[task.id]).await?.remove(&task.id);
        let approval = self.approval_record(task.id).await?;
        let mut decisions = vec![];
        if let Some(approval) = &approval {
            for row in self.decision_records(approval.id).await? {
                decisions.push(json!([
                    row.person_id,
                    row.answer,
                    row.reason,
                    row.created_at,
                    row.rules_version,
                    row.assertion,
                    row.credential_id
                ]));
            }
        }
        let progress = [OTHER_STATE, NOT_APPROVED].contains(&problem).then(|| {
            json!([
                task.state,
                task.queued_at,
                approval.as_ref().map(|it| it.state),
                approval.as_ref().map(|it| it.settled_at)
            ])
        });
        let approval = approval.map(|it| {
            json!([
                it.id,
                it.organization_id,
                it.requester_id,
                it.request_digest,
                it.rule,
                it.needed,
                it.requires_passkey,
                it.created_at,
                it.expires_at
            ])
        });
        let rows = json!({
            "attempt": task.attempt,
            "organization": task.organization_id,
            "owner": task.owner_id,
            "key": task.key_id,
            "title": task.title,
            "tool": task.tool,
            "visibility": task.visibility,
            "network": task.network,
            "priority": task.priority,
            "required_approval": task.required_approval,
            "rule": task.rule,
            "rules_version": task.rules_version,
            "responsible": task.responsible_id,
            "key_creator": task.key_creator_id,
            "self_approval": task.self_approval,
            "script": InputDigest::of(task.script.as_bytes()),
            "request": InputDigest::of(task.request.as_bytes()),
            "request_digest": task.request_digest,
            "idempotency_key": task.idempotency_key,
            "submission_digest": task.submission_digest,
            "created_at": task.created_at,
            "labels": labels,
            "approval": approval,
            "decisions": decisions,
            "progress": progress,
        });
        let rows = serde_json::to_vec(&rows).map_err(|_| Error::Corrupt("task"))?;
        Ok(InputDigest::of(&rows))
    }

    async fn unexplained(&mut self, record: &TaskRecord) -> Result<Option<&'static str>> {
        let Some(history) = self.recorded_history(record.id).await? else {
            return Ok(Some("the audit log has no complete history of it"));
        };
        if history.request.as_deref() != Some(&*record.request_digest.to_string()) {
            return Ok(Some("the audit log has another request for it"));
        }
        if history.attempts != u64::from(record.attempt) {
            return Ok(Some("the audit log has another number of attempts"));
        }
        if !history.is_of(record) {
            return Ok(Some(OTHER_STATE));
        }
        let labels = self.labels(&[record.id]).await?;
        let approval = self.approval_record(record.id).await?;
        let judged = match self.judged(record, &labels, approval, Keys::WithRetired) {
            Ok(judged) => judged,
            Err(problem) => return Ok(Some(problem)),
        };
        let (Some(approval), &Verdict::Ask { approvers, passkey, .. }) =
            (&judged.approval, &judged.judgment.statement.verdict)
        else {
            return Ok(None);
        };
        let passkeys = self.passkeys_of_deciders(approval.id).await?;
        let trusted = trusted(self.tenant, &passkeys);
        let mut approvals = 0;
        for row in self.decision_records(approval.id).await? {
            let Some(signed) =
                row.signed(&judged, approval.id).filter(|signed| self.verifies(signed, Keys::WithRetired))
            else {
                return Ok(Some("a decision is not as it was signed"));
            };
            // The key of a passkey that was removed is not there any more; the server's signature covers its assertion.
            if let Err(PasskeyError::Invalid(_)) = signed.statement.verify_passkey(&trusted) {
                return Ok(Some("the passkey of a decision did not confirm it"));
            }
            if !history.decisions.contains(&(row.person_id, row.answer)) {
                return Ok(Some("the audit log does not have a decision on it"));
            }
            approvals += u32::from(row.answer == Answer::Approve && (row.assertion.is_some() || !passkey));
        }
        // A request that was opened again after the last attempt has no bearing on that attempt.
        Ok(match wrong_end(approval, &history) {
            _ if history.reopened => None,
            None if approvals < approvers => Some("it started with fewer approvals than required"),
            problem => problem,
        })
    }
}

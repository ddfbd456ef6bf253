//! Verification that every task that started had consent: its submission, its judgment and its decisions agree with the audit log.
use super::record::{TaskRecord, record_columns};
use crate::{Result, Write, db::conn::tenant_query};
use domain::{Allowed, TaskId, approval::Answer, policy::ReadAudit, rule::Verdict};

/// A task whose start cannot be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnexplainedStart {
    pub task: TaskId,
    /// What differs, for the operator.
    pub problem: &'static str,
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
        let started = tenant_query!(self, TaskRecord, fetch_all, SQL, after, limit)?;
        let (last, count) = (started.last().map(|record| record.id), started.len());
        let mut unexplained = vec![];
        for record in started {
            if let Some(problem) = self.unexplained(&record).await? {
                unexplained.push(UnexplainedStart { task: record.id, problem });
            }
        }
        Ok(VerifiedStarts { last, count, unexplained })
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
        let labels = self.labels(&[record.id]).await?;
        let approval = self.approval_record(record.id).await?;
        let judged = match self.judged(record, &labels, approval) {
            Ok(judged) => judged,
            Err(problem) => return Ok(Some(problem)),
        };
        let (Some(approval), &Verdict::Ask { approvers, .. }) = (&judged.approval, &judged.judgment.statement.verdict)
        else {
            return Ok(None);
        };
        let mut approvals = 0;
        for row in self.decision_records(approval.id, approval.organization_id).await? {
            if !row.signed(&judged, approval.id).is_some_and(|signed| self.verifies(&signed)) {
                return Ok(Some("a decision is not as it was signed"));
            }
            if !history.decisions.contains(&(row.person_id, row.answer)) {
                return Ok(Some("the audit log does not have a decision on it"));
            }
            approvals += u32::from(row.answer == Answer::Approve);
        }
        // A request that was opened again after the last attempt has no bearing on that attempt.
        Ok((approvals < approvers && !history.reopened).then_some("it started with fewer approvals than required"))
    }
}

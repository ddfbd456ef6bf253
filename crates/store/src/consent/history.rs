//! The history of a task in the audit log. A row that was set back to the queue differs from it.
use super::record::TaskRecord;
use crate::{Error, Result, Write, audit::BodyRow, db::conn::tenant_query};
use domain::{
    PersonId, TaskId, Timestamp,
    approval::Answer,
    audit::{Outcome, Record},
    task::TaskState,
};

/// What the recorded events of a task add up to.
#[derive(Debug)]
pub(crate) struct History {
    pub state: TaskState,
    submitted_at: Option<Timestamp>,
    /// Digest of the submitted request.
    pub request: Option<String>,
    /// Number of the last attempt that was assigned.
    pub attempts: u64,
    /// When it entered the queue.
    queued_at: Option<Timestamp>,
    /// When the last required approval was given.
    pub approved_at: Option<Timestamp>,
    /// People with their answers.
    pub decisions: Vec<(PersonId, Answer)>,
}

impl History {
    /// Returns whether a task that has just been claimed was in the queue before, for the first time or again.
    pub(crate) fn is_queued(&self, claimed: &TaskRecord) -> bool {
        let is_next = u64::from(claimed.attempt) == self.attempts + 1;
        let times = (Some(claimed.created_at), claimed.queued_at) == (self.submitted_at, self.queued_at);
        self.state == TaskState::Queued && is_next && times && claimed.is_open
    }

    /// Folds events in the order of the log. Returns `None` if they are no history of a task.
    fn of(records: impl IntoIterator<Item = Record>) -> Option<Self> {
        let mut history = Self {
            state: TaskState::Submitted,
            submitted_at: None,
            request: None,
            attempts: 0,
            queued_at: None,
            approved_at: None,
            decisions: vec![],
        };
        for record in records {
            history.add(&record)?;
        }
        Some(history)
    }

    fn add(&mut self, record: &Record) -> Option<()> {
        let detail = &record.detail;
        let recorded = |name: &str| detail[name].as_str()?.parse::<TaskState>().ok();
        let next = match record.action.as_str() {
            // Refused attempts change nothing; a rejected task is recorded as refused and has ended.
            "task.reject" => TaskState::Failed,
            _ if record.outcome == Outcome::Refused => return Some(()),
            "task.submit" => {
                self.submitted_at = Some(record.at);
                self.request = detail["request_digest"].as_str().map(str::to_owned);
                recorded("state")?
            }
            "task.finish" | "task.release" => recorded("state")?,
            "approval.decide" => {
                self.decisions.extend(decision(record));
                match detail["state"].as_str()? {
                    "approved" => {
                        self.approved_at = Some(record.at);
                        TaskState::Queued
                    }
                    "denied" => TaskState::Denied,
                    _ => return Some(()),
                }
            }
            "approval.reopen" => TaskState::AwaitingApproval,
            "approval.expire" => TaskState::Expired,
            // Nothing is assigned that was not in the queue.
            "task.assign" if self.state != TaskState::Queued => return None,
            "task.assign" => {
                self.attempts = detail["attempt"].as_u64()?;
                TaskState::Assigned
            }
            "task.start" => TaskState::Running,
            "task.refuse" => TaskState::Failed,
            "task.deny" => TaskState::Denied,
            "task.cancel" | "task.stop" => match detail["was"].as_str() {
                Some("assigned" | "running") => return Some(()),
                _ => TaskState::Cancelled,
            },
            _ => return Some(()),
        };
        if next == TaskState::Queued {
            self.queued_at = Some(record.at);
        }
        self.state = next;
        Some(())
    }
}

/// Returns the person and the answer of a decision.
fn decision(record: &Record) -> Option<(PersonId, Answer)> {
    let person = record.actor["person"].as_str().or_else(|| record.actor["key"]["owner"].as_str())?;
    Some((PersonId(person.parse().ok()?), record.detail["answer"].as_str()?.parse().ok()?))
}

impl Write {
    /// Returns the history of a task, or `None` if its events cannot be read as one.
    pub(crate) async fn recorded_history(&mut self, task: TaskId) -> Result<Option<History>> {
        const MAX_EVENTS: usize = 500;
        let rows = tenant_query!(
            self,
            BodyRow,
            fetch_all,
            "select body from audit where tenant_id = $1 and target_id = $2 and (outcome = 'done' or action = 'task.reject')
             order by seq limit 501",
            task.to_string()
        )?;
        if rows.len() > MAX_EVENTS {
            return Ok(None);
        }
        let records: serde_json::Result<Vec<Record>> = rows.iter().map(|row| serde_json::from_str(&row.body)).collect();
        Ok(History::of(records.map_err(|_| Error::Corrupt("audit"))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::audit::Target;
    use serde_json::{Value, json};

    fn record(at: i64, action: &str, outcome: Outcome, detail: Value) -> Record {
        Record {
            at: Timestamp(at),
            actor: Value::Null,
            by: String::new(),
            action: action.to_owned(),
            target: Target { kind: "task".into(), id: String::new() },
            outcome,
            detail,
            personal_sha256: None,
        }
    }

    fn state_after(events: &[(&str, Value)]) -> Option<(TaskState, u64, Option<i64>)> {
        let events = (1..).zip(events).map(|(at, (action, detail))| record(at, action, Outcome::Done, detail.clone()));
        let history = History::of(events)?;
        Some((history.state, history.attempts, history.queued_at.map(|at| at.0)))
    }

    #[test]
    fn a_history_ends_in_the_state_of_its_last_event() {
        let submitted = ("task.submit", json!({ "state": "queued" }));
        let asked = ("task.submit", json!({ "state": "awaiting_approval" }));
        let assigned = ("task.assign", json!({ "attempt": 1 }));
        let approved = ("approval.decide", json!({ "state": "approved" }));
        let denied = ("approval.decide", json!({ "state": "denied" }));
        let first = ("approval.decide", json!({ "state": "waiting" }));
        let released = ("task.release", json!({ "state": "queued" }));
        let stopped = ("task.stop", json!({ "was": "queued" }));
        let asked_to_stop = ("task.cancel", json!({ "was": "running" }));
        for (events, after) in [
            (vec![submitted.clone()], (TaskState::Queued, 0, Some(1))),
            (vec![asked.clone(), first, approved.clone()], (TaskState::Queued, 0, Some(3))),
            (vec![asked.clone(), denied], (TaskState::Denied, 0, None)),
            (vec![submitted.clone(), assigned.clone(), released], (TaskState::Queued, 1, Some(3))),
            (vec![submitted.clone(), stopped], (TaskState::Cancelled, 0, Some(1))),
            (vec![submitted.clone(), assigned, asked_to_stop], (TaskState::Assigned, 1, Some(1))),
            (vec![asked, approved, ("approval.reopen", json!({}))], (TaskState::AwaitingApproval, 0, Some(2))),
        ] {
            assert_eq!(state_after(&events), Some(after), "{events:?}");
        }
        assert_eq!(state_after(&[("task.submit", json!({}))]), None);
    }

    #[test]
    fn a_refused_attempt_is_no_change_but_a_rejection_ends_the_task() {
        let submitted = record(1, "task.submit", Outcome::Done, json!({ "state": "queued" }));
        let refused = record(2, "task.cancel", Outcome::Refused, json!({ "reason": "member_only" }));
        let history = History::of([submitted.clone(), refused]).unwrap();
        assert_eq!(history.state, TaskState::Queued);
        let rejected = record(2, "task.reject", Outcome::Refused, json!({ "because": "changed" }));
        assert_eq!(History::of([submitted, rejected]).unwrap().state, TaskState::Failed);
    }
}

//! The history of a task in the audit log. A row that was set back to the queue differs from it.
use super::record::TaskRecord;
use crate::{Result, Write, audit::BodyRow, db::conn::tenant_query};
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
    /// Whether it returned to the approval queue after its last attempt.
    pub reopened: bool,
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

    /// Returns whether a task has the state and the times of its last events.
    pub(crate) fn is_of(&self, task: &TaskRecord) -> bool {
        (self.state, self.submitted_at, self.queued_at) == (task.state, Some(task.created_at), task.queued_at)
    }

    fn new() -> Self {
        Self {
            state: TaskState::Submitted,
            submitted_at: None,
            request: None,
            attempts: 0,
            queued_at: None,
            reopened: false,
            approved_at: None,
            decisions: vec![],
        }
    }

    /// Adds the next event of the log. Returns `None` if it cannot follow the ones before it.
    fn add(&mut self, record: &Record) -> Option<()> {
        let detail = &record.detail;
        let recorded = |name: &str| detail[name].as_str()?.parse::<TaskState>().ok();
        let mut from = self.state;
        let next = match record.action.as_str() {
            // Recorded as refused, whatever the state was before. A task that has ended stays as it is.
            "task.reject" => {
                self.state = if self.state.is_final() { self.state } else { TaskState::Failed };
                return Some(());
            }
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
            "approval.expire" | "task.expire" => TaskState::Expired,
            // A claim that is taken back was not recorded as an assignment.
            "approval.reopen" | "task.deny" if self.state == TaskState::Queued => {
                from = TaskState::Assigned;
                self.reopened = record.action == "approval.reopen";
                if self.reopened { TaskState::AwaitingApproval } else { TaskState::Denied }
            }
            "task.assign" => {
                let attempt = detail["attempt"].as_u64()?;
                if attempt != self.attempts + 1 {
                    return None;
                }
                (self.attempts, self.reopened) = (attempt, false);
                TaskState::Assigned
            }
            "task.start" => TaskState::Running,
            "task.refuse" => TaskState::Failed,
            "task.cancel" | "task.stop" => match detail["was"].as_str()? {
                "assigned" | "running" => return Some(()), // only requested
                _ => TaskState::Cancelled,
            },
            "approval.reopen" | "task.deny" => return None,
            _ => return Some(()),
        };
        if !from.can_become(next) {
            return None;
        }
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
        let (mut history, mut after) = (History::new(), 0);
        loop {
            let rows = tenant_query!(
                self,
                BodyRow,
                fetch_all,
                "select seq, body from audit where tenant_id = $1 and target_id = $2 and seq > $3
                    and (outcome = 'done' or action = 'task.reject') order by seq limit 200",
                task.to_string(),
                after
            )?;
            let Some(last) = rows.last() else { return Ok(Some(history)) };
            after = last.seq;
            let is_last = rows.len() < 200;
            for row in rows {
                let record = serde_json::from_str(&row.body).ok();
                if record.and_then(|record| history.add(&record)).is_none() {
                    return Ok(None);
                }
            }
            if is_last {
                return Ok(Some(history));
            }
        }
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

    fn of(records: impl IntoIterator<Item = Record>) -> Option<History> {
        let mut history = History::new();
        records.into_iter().try_for_each(|record| history.add(&record))?;
        Some(history)
    }

    fn state_after(events: &[(&str, Value)]) -> Option<(TaskState, u64, Option<i64>)> {
        let events = (1..).zip(events).map(|(at, (action, detail))| record(at, action, Outcome::Done, detail.clone()));
        let history = of(events)?;
        Some((history.state, history.attempts, history.queued_at.map(|at| at.0)))
    }

    #[test]
    fn a_history_ends_in_the_state_of_its_last_event() {
        let submitted = ("task.submit", json!({ "state": "queued" }));
        let awaiting = ("task.submit", json!({ "state": "awaiting_approval" }));
        let assigned = ("task.assign", json!({ "attempt": 1 }));
        let approved = ("approval.decide", json!({ "state": "approved" }));
        let denied = ("approval.decide", json!({ "state": "denied" }));
        let first = ("approval.decide", json!({ "state": "waiting" }));
        let released = ("task.release", json!({ "state": "queued" }));
        let stopped = ("task.stop", json!({ "was": "queued" }));
        let asked_to_stop = ("task.cancel", json!({ "was": "running" }));
        for (events, after) in [
            (vec![submitted.clone()], (TaskState::Queued, 0, Some(1))),
            (vec![awaiting.clone(), first, approved.clone()], (TaskState::Queued, 0, Some(3))),
            (vec![awaiting.clone(), denied], (TaskState::Denied, 0, None)),
            (vec![submitted.clone(), assigned.clone(), released], (TaskState::Queued, 1, Some(3))),
            (vec![submitted.clone(), stopped], (TaskState::Cancelled, 0, Some(1))),
            (vec![submitted.clone(), assigned, asked_to_stop], (TaskState::Assigned, 1, Some(1))),
            (vec![awaiting, approved, ("approval.reopen", json!({}))], (TaskState::AwaitingApproval, 0, Some(2))),
        ] {
            assert_eq!(state_after(&events), Some(after), "{events:?}");
        }
        // What no task can do: forged events do not bring one back to the queue.
        let finished = [
            ("task.submit", json!({ "state": "queued" })),
            ("task.assign", json!({ "attempt": 1 })),
            ("task.start", json!({})),
            ("task.finish", json!({ "state": "succeeded" })),
        ];
        assert!(state_after(&finished).is_some());
        for forged in [
            ("task.release", json!({ "state": "queued" })),
            ("task.assign", json!({ "attempt": 2 })),
            ("approval.decide", json!({ "state": "approved" })),
            ("approval.reopen", json!({})),
        ] {
            assert_eq!(state_after(&[&finished[..], &[forged]].concat()), None);
        }
        let again = [("task.submit", json!({ "state": "queued" })), ("task.assign", json!({ "attempt": 2 }))];
        assert_eq!((state_after(&again), state_after(&[("task.submit", json!({}))])), (None, None));
    }

    #[test]
    fn a_refused_attempt_is_no_change_but_a_rejection_ends_the_task() {
        let submitted = record(1, "task.submit", Outcome::Done, json!({ "state": "queued" }));
        let refused = record(2, "task.cancel", Outcome::Refused, json!({ "reason": "member_only" }));
        let history = of([submitted.clone(), refused]).unwrap();
        assert_eq!(history.state, TaskState::Queued);
        let rejected = record(2, "task.reject", Outcome::Refused, json!({ "because": "changed" }));
        assert_eq!(of([submitted, rejected]).unwrap().state, TaskState::Failed);
    }
}

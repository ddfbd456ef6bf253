//! Cancellation of tasks, and state changes of tasks that are not running.
use crate::{
    Conflict, Error, Result, Topic, Write,
    db::{column::row_type, conn::tenant_query},
    metrics::Occurrence,
};
use domain::{
    Allowed, TaskId,
    audit::{Entry, Outcome},
    notification::Notification,
    policy::CancelTask,
    receipt::End,
    task::TaskState,
};
use serde_json::{Value, json};

row_type! {
    pub struct TaskStateRow {
        pub state: TaskState,
    }
}

impl Write {
    /// Cancels a task: at once if it waits, through its runner if it runs.
    pub async fn cancel_task(&mut self, proof: Allowed<CancelTask>) -> Result<TaskState> {
        let &CancelTask { task, owner, organization } = proof.action();
        const MATCHES_PROOF: &str =
            "select state from task where tenant_id = $1 and id = $2 and owner_id = $3 and organization_id = $4";
        tenant_query!(self, TaskStateRow, fetch_one, MATCHES_PROOF, task, owner, organization)?;
        let (was, state) = self.stop_task(task).await?;
        let entry = self.entry(&proof)?.with_detail("was", json!(was));
        self.record(entry).await?;
        Ok(state)
    }

    /// Cancels a task and returns its state before and after. Records no audit event.
    pub(crate) async fn stop_task(&mut self, task: TaskId) -> Result<(TaskState, TaskState)> {
        self.lock_approval(task).await?;
        const SQL: &str = "update task set cancel_requested = true where tenant_id = $1 and id = $2
            and state in ('awaiting_approval', 'queued', 'assigned', 'running') returning state";
        let found = tenant_query!(self, TaskStateRow, fetch_optional, SQL, task)?;
        let was = found.ok_or(Error::Conflict(Conflict::TaskEnded))?.state;
        let state = match was {
            TaskState::Assigned | TaskState::Running => was,
            waiting => {
                self.change_state(task, waiting, TaskState::Cancelled, None).await?;
                self.withdraw_approval(task).await?;
                TaskState::Cancelled
            }
        };
        self.publish(Topic::Tasks, task.0);
        Ok((was, state))
    }

    /// Moves a task that does not run to a final state or to the queue. Records no audit event.
    pub(crate) async fn change_state(
        &mut self,
        task: TaskId,
        from: TaskState,
        to: TaskState,
        ending: Option<&End>,
    ) -> Result<()> {
        if !from.can_become(to) {
            return Err(Error::Conflict(Conflict::TaskStateChanged));
        }
        let ending = ending.map(serde_json::to_string).transpose().map_err(|_| Error::Corrupt("ending"))?;
        let moved = tenant_query!(
            self,
            execute,
            "update task set state = $4, ending = $5, queued_at = coalesce($6, queued_at), ended_at = $7, lease_until = null
             where tenant_id = $1 and id = $2 and state = $3",
            task,
            from,
            to,
            ending,
            (to == TaskState::Queued).then_some(self.now),
            to.is_final().then_some(self.now)
        )?;
        if moved == 0 {
            return Err(Error::Conflict(Conflict::TaskStateChanged));
        }
        if to.is_final() {
            self.count(Occurrence::TaskEnded(to));
            // The end of an approval request has its own notification.
            if from != TaskState::AwaitingApproval {
                self.notify(Notification::TaskEnded, task.0);
            }
        }
        self.publish(Topic::Tasks, task.0);
        Ok(())
    }

    /// Records a state change that no person decided.
    pub(crate) async fn record_state_change(&mut self, task: TaskId, action: &str, detail: Value) -> Result<()> {
        let entry = self.state_change_event(task, action, detail)?;
        self.record(entry).await
    }

    /// Builds the event of such a change for callers that append several: they lock their rows first, then the audit log.
    pub(crate) fn state_change_event(&self, task: TaskId, action: &str, detail: Value) -> Result<Entry> {
        self.event(action, ("task", task.to_string()), Outcome::Done, detail)
    }
}

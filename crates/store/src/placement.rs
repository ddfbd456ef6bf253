//! Placement: which runners can take a task. A claim, the explanation of why a task waits, and its expiry share the condition.
use crate::{
    Read, Result, Write,
    db::{
        column::row_type,
        conn::{Conn, tenant_query},
    },
    silence::shortened,
};
use domain::{
    PersonId, TaskId, Timestamp,
    account::AccountNotice,
    pending_reason::PendingReason,
    receipt::End,
    task::{TaskState, Tool},
};
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};

/// Whether a runner with these tools, separated by commas, can take a task with this tool.
macro_rules! can_take {
    ($tools:literal, $tool:literal) => {
        concat!("(',' || ", $tools, " || ',' like '%,' || ", $tool, " || ',%')")
    };
}
pub(crate) use can_take;

/// Whether a task has a tool that does not exist. Any runner claims it, so that it is rejected.
macro_rules! has_unknown_tool {
    () => {
        "tool not in ('bash')"
    };
}
pub(crate) use has_unknown_tool;

/// A queued task that no runner can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub pending_reason: PendingReason,
    /// When it expires unless a runner that can take it connects.
    pub expires_at: Option<Timestamp>,
}

row_type! {
    pub struct QueuedTask {
        pub tool: Tool,
        pub queued_at: Timestamp,
        pub frozen_at: Option<Timestamp>,
    }
}

row_type! {
    /// The runners of a tenant, seen from a task.
    pub struct Candidates {
        pub connected: i64,
        /// Connected ones that can take the task.
        pub able: i64,
        /// When one that can take it was last seen.
        pub seen_at: Option<Timestamp>,
    }
}

row_type! {
    pub struct ExpiredTask {
        pub id: TaskId,
        pub title: String,
        /// The owner, or the responsible person of a service account.
        pub person_id: PersonId,
    }
}

/// Maximum number of tasks that expire in one transaction.
const MAX_EXPIRED: u32 = 500;

const CANDIDATES: &str = concat!(
    "select count(case when r.revoked_at is null and r.connected then 1 end) as connected,
        count(case when r.revoked_at is null and r.connected and ",
    can_take!("r.capabilities", "$2"),
    // A revoked runner was seen, too: tasks wait for its successor.
    " then 1 end) as able, max(case when ",
    can_take!("r.capabilities", "$2"),
    " then r.last_seen_at end) as seen_at from runner r where r.tenant_id = $1"
);

impl Candidates {
    fn pending_reason(&self) -> Option<PendingReason> {
        match self {
            Self { able: 1.., .. } => None,
            Self { connected: 1.., .. } => Some(PendingReason::ToolMissing),
            _ => Some(PendingReason::NoRunnerConnected),
        }
    }

    /// Returns when a task that could be taken since `since` expires: if no runner was able to take it for so long.
    fn expiry(&self, since: Timestamp, after: Duration) -> Timestamp {
        self.seen_at.map_or(since, |seen| seen.max(since)).after(after)
    }
}

impl Read {
    /// Returns why no runner can take a task that the actor sees; `None` if one can, or if the task is not queued.
    pub async fn waiting(&mut self, task: TaskId) -> Result<Option<Waiting>> {
        self.progress(task).await?;
        const SQL: &str =
            "select t.tool, t.queued_at, (select head.frozen_at from audit_head head where head.tenant_id = $1) as frozen_at
             from task t where t.tenant_id = $1 and t.id = $2 and t.state = 'queued' and t.queued_at is not null";
        let Some(queued) = tenant_query!(self, QueuedTask, fetch_optional, SQL, task)? else { return Ok(None) };
        let candidates = tenant_query!(self, Candidates, fetch_one, CANDIDATES, queued.tool)?;
        let pending_reason = candidates.pending_reason();
        let since = queued.queued_at.max(self.store.watching_since());
        let expires_at = pending_reason.and(self.store.queue_expiry()).map(|after| candidates.expiry(since, after));
        let frozen = queued.frozen_at.map(|_| PendingReason::TenantFrozen);
        Ok(frozen.or(pending_reason).map(|pending_reason| Waiting { pending_reason, expires_at }))
    }
}

impl Write {
    /// Expires the queued tasks that no runner was able to take for too long, and notifies the submitters.
    pub(crate) async fn expire_queued_tasks(&mut self) -> Result<()> {
        let Some(after) = self.store.queue_expiry() else { return Ok(()) };
        self.conn.lift_deadline().await?;
        for tool in Tool::ALL {
            let candidates = tenant_query!(self, Candidates, fetch_one, CANDIDATES, *tool)?;
            if let Some(pending_reason) = candidates.pending_reason()
                // No runner can be seen while the server is stopped.
                && candidates.expiry(self.store.watching_since(), after) <= self.now
            {
                self.expire_tasks_of(*tool, pending_reason, after).await?;
            }
        }
        Ok(())
    }

    async fn expire_tasks_of(&mut self, tool: Tool, pending_reason: PendingReason, after: Duration) -> Result<()> {
        macro_rules! sql {
            ($ids:literal, $lock:literal) => {
                concat!(
                    "select t.id, t.title, coalesce(p.responsible_id, p.id) as person_id from task t
                     join person p on p.tenant_id = t.tenant_id and p.id = t.owner_id
                     where t.tenant_id = $1 and t.tool = $2 and t.state = 'queued' and t.queued_at <= $3",
                    $ids,
                    " order by t.queued_at limit $4",
                    $lock
                )
            };
        }
        let since = self.now.before(after);
        let mut expired = match &self.conn {
            // SQLite stores any bytes as an id; a task with another one is nobody's.
            Conn::Sqlite(_) => {
                const SQL: &str = sql!(" and length(t.id) = 16", "");
                tenant_query!(self, ExpiredTask, fetch_all, SQL, tool, since, MAX_EXPIRED)?
            }
            Conn::Postgres(_) => {
                const SQL: &str = sql!("", " for update of t skip locked");
                tenant_query!(self, ExpiredTask, fetch_all, SQL, tool, since, MAX_EXPIRED)?
            }
        };
        expired.sort_by_key(|task| task.id); // every transaction locks several tasks in this order
        let ending = End::NotStarted(pending_reason.explanation(tool));
        let (mut entries, mut titles) = (vec![], BTreeMap::<_, Vec<_>>::new());
        for ExpiredTask { id, title, person_id } in expired {
            self.change_state(id, TaskState::Queued, TaskState::Expired, Some(&ending)).await?;
            let detail = json!({ "reason": pending_reason, "tool": tool, "after_seconds": after.as_secs() });
            entries.push(self.state_change_event(id, "task.expire", detail)?);
            titles.entry(person_id).or_default().push(title);
        }
        self.record_all(entries).await?;
        for (person, titles) in titles {
            let titles = shortened(titles.iter().map(String::as_str));
            self.notify_person(person, AccountNotice::TaskExpired, &titles).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_tools_are_those_of_the_domain() {
        let tools: Vec<_> = Tool::ALL.iter().map(|tool| format!("'{tool}'")).collect();
        assert_eq!(has_unknown_tool!(), format!("tool not in ({})", tools.join(", ")));
    }
}

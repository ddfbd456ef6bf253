//! Overview figures: what is open now, and what ended in the last days. Each is bounded by time or number, so that its cost
//! does not grow with the number of tasks.
use crate::{
    Read, Result, TaskRow,
    db::{
        column::{Number, row_type},
        conn::tenant_query,
    },
    tasks::{rows, visible},
};
use domain::{Timestamp, task::TaskState};
use std::collections::BTreeMap;

/// States of open tasks in the overview.
const OPEN: [TaskState; 4] = [TaskState::AwaitingApproval, TaskState::Queued, TaskState::Assigned, TaskState::Running];

/// Number of most recently finished tasks that are scanned; the page says if there were more.
pub const MAX_TASKS_SCANNED: i64 = 5_000;

row_type! {
    /// Tasks that finished on one day in one state.
    pub struct FinishedTasks {
        /// Zero-based index of the day in the requested period.
        pub day_index: i64,
        pub state: TaskState,
        pub n: i64,
        /// Number of tasks that were started.
        pub started: i64,
        /// Sum of the waiting times for a runner, in microseconds.
        pub wait: i64,
        /// Longest of these waiting times, in microseconds.
        pub longest: i64,
    }
}

impl Read {
    /// Returns the number of open tasks that the actor sees, by state, up to 1,000 each.
    pub async fn open_counts(&mut self) -> Result<BTreeMap<TaskState, i64>> {
        self.require_unlimited_key()?;
        let (person, everything) = (self.viewer(), self.actor.can_read_everything());
        let mut counts = BTreeMap::new();
        for state in OPEN {
            const SQL: &str = concat!(
                "select count(*) as n from (select 1 from task t where t.tenant_id = $1 and t.state = $4 and ",
                visible!(),
                " limit 1000) counted"
            );
            counts.insert(state, tenant_query!(self, Number, fetch_one, SQL, person, everything, state)?.n);
        }
        Ok(counts)
    }

    /// Returns tasks that the actor sees and that finished since a midnight, by day and state, of the newest
    /// [`MAX_TASKS_SCANNED`].
    pub async fn finished_tasks_by_day(&mut self, since: Timestamp) -> Result<Vec<FinishedTasks>> {
        self.require_unlimited_key()?;
        let (person, everything) = (self.viewer(), self.actor.can_read_everything());
        tenant_query!(
            self,
            FinishedTasks,
            fetch_all,
            concat!(
                "select (t.ended_at - $4) / 86400000000 as day_index, t.state, count(*) as n, count(t.wait) as started,
                    cast(coalesce(sum(t.wait), 0) as bigint) as wait, coalesce(max(t.wait), 0) as longest
                 from (select t.tenant_id, t.ended_at, t.state, t.owner_id, t.organization_id, t.visibility, t.required_approval,
                        case when t.started_at >= t.queued_at then t.started_at - t.queued_at end as wait
                    from task t where t.tenant_id = $1 and t.ended_at >= $4 order by t.ended_at desc limit $5) t
                 where ",
                visible!(),
                " group by day_index, t.state order by day_index, t.state"
            ),
            person,
            everything,
            since,
            MAX_TASKS_SCANNED
        )
    }

    /// Returns tasks that the actor sees and that failed since then, newest first.
    pub async fn failed_since(&mut self, since: Timestamp, limit: u32) -> Result<Vec<TaskRow>> {
        self.require_unlimited_key()?;
        let (person, everything) = (self.viewer(), self.actor.can_read_everything());
        tenant_query!(
            self,
            TaskRow,
            fetch_all,
            concat!(
                rows!(),
                " and t.state in ('failed', 'timed_out', 'lost') and t.ended_at >= $4 order by t.ended_at desc limit $5"
            ),
            person,
            everything,
            since,
            limit
        )
    }
}

//! Figures of the whole deployment for monitoring. Each is read from an index and is bounded, so that its cost does not grow with
//! the tables.
use super::{System, due_work::DueAt};
use crate::{
    Result,
    db::{
        column::{Number, row_type},
        conn::unscoped_query,
    },
};
use domain::{
    RunnerId, Timestamp,
    task::{TaskState, Tool},
};

/// Open tasks, approval requests and runners, across all tenants. Counts end at [`MAX_COUNTED`].
#[derive(Clone, Debug)]
pub struct Figures {
    /// By state; tasks that have ended are not counted.
    pub open_tasks: Vec<OpenTasks>,
    /// When the task that has waited the longest entered the queue, without those of frozen tenants, where no task starts.
    pub oldest_queued_at: Option<Timestamp>,
    pub waiting_approvals: i64,
    pub oldest_waiting_approval_at: Option<Timestamp>,
    /// By state; revoked runners are not counted.
    pub runners: Vec<RunnerCount>,
    /// Messages to webhooks that were abandoned and are kept.
    pub dead_deliveries: i64,
    /// The runners that were seen last, at most [`MAX_RUNNERS`].
    pub heartbeats: Vec<Heartbeat>,
}

row_type! {
    pub struct OpenTasks {
        pub state: TaskState,
        pub n: i64,
    }
}

row_type! {
    pub struct RunnerCount {
        /// `connected`, `disconnected`, `stopped` or `silent`.
        pub state: String,
        pub n: i64,
    }
}

row_type! {
    /// The last heartbeat of a runner.
    pub struct Heartbeat {
        pub id: RunnerId,
        pub last_seen_at: Timestamp,
    }
}

/// Maximum of each count.
pub const MAX_COUNTED: i64 = 100_000;
/// Maximum number of runners with a figure of their own.
pub const MAX_RUNNERS: i64 = 1_000;

impl System<'_> {
    /// Returns the figures of this moment.
    pub async fn figures(&self) -> Result<Figures> {
        let mut conn = self.read().await?;
        const QUEUED: &str = "select count(*) as n from (select 1 from task where state = 'queued' limit $1) counted";
        const LEASED: &str = "select state, count(*) as n from (select state from task where state in ('assigned', 'running') limit $1) counted
             group by state";
        const OLDEST: &str = "select min(oldest.at) as at from (select (select min(t.queued_at) from task t
                where t.tenant_id = head.tenant_id and t.tool = $1 and t.state = 'queued') as at
                from audit_head head where head.frozen_at is null) oldest";
        const WAITING: &str =
            "select count(*) as n from (select 1 from approval where state = 'waiting' limit $1) counted";
        const RUNNERS: &str = "select state, count(*) as n from (select case when connected then 'connected'
                when silent_at is not null then 'silent' when stopped then 'stopped' else 'disconnected' end as state
                from runner where revoked_at is null limit $1) counted group by state";
        const HEARTBEATS: &str =
            "select id, last_seen_at from runner where revoked_at is null and last_seen_at is not null
             order by last_seen_at desc limit $1";
        let queued = unscoped_query!(conn, Number, fetch_one, QUEUED, MAX_COUNTED)?.n;
        let mut open_tasks = unscoped_query!(conn, OpenTasks, fetch_all, LEASED, MAX_COUNTED)?;
        open_tasks.push(OpenTasks { state: TaskState::Queued, n: queued });
        let mut oldest = vec![];
        for tool in Tool::ALL {
            oldest.extend(unscoped_query!(conn, DueAt, fetch_one, OLDEST, *tool)?.at);
        }
        let waiting_approvals = unscoped_query!(conn, Number, fetch_one, WAITING, MAX_COUNTED)?.n;
        // Each waiting request has one task.
        open_tasks.push(OpenTasks { state: TaskState::AwaitingApproval, n: waiting_approvals });
        let since = "select min(created_at) as at from approval where state = 'waiting'";
        let dead = "select count(*) as n from (select 1 from webhook_delivery where state = 'dead' limit $1) counted";
        Ok(Figures {
            dead_deliveries: unscoped_query!(conn, Number, fetch_one, dead, MAX_COUNTED)?.n,
            open_tasks,
            oldest_queued_at: oldest.into_iter().min(),
            waiting_approvals,
            oldest_waiting_approval_at: unscoped_query!(conn, DueAt, fetch_one, since)?.at,
            runners: unscoped_query!(conn, RunnerCount, fetch_all, RUNNERS, MAX_COUNTED)?,
            heartbeats: unscoped_query!(conn, Heartbeat, fetch_all, HEARTBEATS, MAX_RUNNERS)?,
        })
    }
}

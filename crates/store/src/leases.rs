//! Leases: a runner claims a task, starts it and ends it. Every message names a lease that the runner still holds; the attempt
//! is its fencing token.
use crate::{
    Conflict, Error, Read, Result, Topic, Write,
    consent::{Ruling, StoredTask, TaskRecord, UNREADABLE, record_columns},
    db::{
        column::row_type,
        conn::{Conn, tenant_query},
    },
    emergency::Freeze,
    metrics::Occurrence,
    placement::{can_take, has_unknown_tool},
};
use domain::{
    Actor, Principal, RunnerId, TaskId, Timestamp,
    ansi::Styles,
    consent::Consent,
    notification::Notification,
    receipt::{End, Observed, Receipt},
    request::RequestDigest,
    task::{MAX_ATTEMPTS, TaskState},
};
use serde_json::json;
use std::time::Duration;

/// Lifetime of a lease without a heartbeat.
pub const LEASE: Duration = Duration::from_secs(30);

/// Maximum number of further claims in one call after tasks were ended because their owner lost access.
const MAX_CLAIM_ROUNDS: usize = 100;

/// Maximum length in bytes of the reason why a task was not started.
const MAX_REASON_BYTES: usize = 8_192;

/// A runner's lease on one attempt of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    pub task: TaskId,
    /// Number of the attempt, from 1: the fencing token.
    pub attempt: u32,
}

/// Reads tasks with a lease and locks each until the transaction ends. SQLite has a single writer and no `for update`.
macro_rules! lock_leased {
    ($self:ident, $condition:literal, $lock:literal $(, $arg:expr)*) => {{
        macro_rules! sql {
            ($end:literal) => {
                concat!(
                    "select id, attempt, state, cancel_requested, next_line, output_bytes, output_styles, request_digest,
                        coalesce(queued_at, created_at) as queued_at from task
                     where tenant_id = $1 and state in ('assigned', 'running') and ", $condition, " order by id limit 5000", $end
                )
            };
        }
        match &$self.conn {
            Conn::Sqlite(_) => tenant_query!($self, StoredTask<LeasedTask>, fetch_all, sql!("") $(, $arg)*),
            Conn::Postgres(_) => tenant_query!($self, StoredTask<LeasedTask>, fetch_all, sql!($lock) $(, $arg)*),
        }
    }};
}

/// A claimed task that may start.
#[derive(Clone, Debug)]
pub struct Assignment {
    pub lease: Lease,
    pub lease_until: Timestamp,
    /// Canonical request.
    pub request: String,
    pub request_digest: RequestDigest,
    pub script: String,
    /// The signed statements that permit it.
    pub consent: Consent,
}

row_type! {
    /// A task that a runner has or had a lease on.
    pub struct LeasedTask {
        pub id: TaskId,
        pub attempt: u32,
        pub state: TaskState,
        pub cancel_requested: bool,
        /// Number of the next line of output.
        pub next_line: i64,
        /// Bytes of output stored, including one line feed per line.
        pub output_bytes: i64,
        /// The styles in which the next lines begin.
        pub output_styles: Styles,
        /// Digest of the request that was approved to run.
        pub request_digest: RequestDigest,
        pub queued_at: Timestamp,
    }
}

impl Assignment {
    fn of(task: TaskRecord, consent: Consent) -> Result<Self> {
        let TaskRecord { id, attempt, request, request_digest, script, .. } = task;
        let lease_until = task.lease_until.ok_or(Error::Corrupt("lease"))?;
        let lease = Lease { task: id, attempt };
        Ok(Self { lease, lease_until, request, request_digest, script, consent })
    }
}

impl LeasedTask {
    pub fn lease(&self) -> Lease {
        Lease { task: self.id, attempt: self.attempt }
    }
}

impl Read {
    /// Returns the tasks that this runner has a lease on, without those that cannot be read: their leases expire.
    pub async fn leased_tasks(&mut self) -> Result<Vec<LeasedTask>> {
        let runner = runner_id(&self.actor)?;
        let stored = tenant_query!(
            self,
            StoredTask<LeasedTask>,
            fetch_all,
            "select id, attempt, state, cancel_requested, next_line, output_bytes, output_styles, request_digest,
                        coalesce(queued_at, created_at) as queued_at from task
             where tenant_id = $1 and runner_id = $2 and state in ('assigned', 'running') order by id limit 5000",
            runner
        )?;
        Ok(stored.into_iter().filter_map(|task| task.record).collect())
    }

    /// Returns the load of a runner, with a single query, before it claims tasks.
    ///
    /// # Errors
    /// Fails with `NotFound` if the actor is no runner of the tenant.
    pub async fn runner_load(&mut self) -> Result<RunnerLoad> {
        let runner = runner_id(&self.actor)?;
        // Values of tasks are not read: a row that cannot be read must not keep the others from being claimed.
        tenant_query!(
            self,
            RunnerLoad,
            fetch_one,
            "select r.revoked_at is not null as revoked,
                (select count(*) from task t where t.tenant_id = $1 and t.runner_id = $2 and t.state in ('assigned', 'running')) as held,
                exists (select 1 from task t where t.tenant_id = $1 and t.runner_id = $2 and t.state in ('assigned', 'running')
                    and t.cancel_requested) as has_cancellations,
                exists (select 1 from task t where t.tenant_id = $1 and t.state = 'queued') as queue_has_tasks
             from runner r where r.tenant_id = $1 and r.id = $2",
            runner
        )
    }
}

row_type! {
    /// The work of a runner.
    pub struct RunnerLoad {
        pub revoked: bool,
        /// Number of its leases.
        pub held: i64,
        /// Whether one of its tasks is to be canceled.
        pub has_cancellations: bool,
        /// Whether a task of the tenant is in the queue.
        pub queue_has_tasks: bool,
    }
}

impl Write {
    /// Claims up to `most` of the next tasks that this runner can run; `capabilities` are tools. Tasks whose owner lost
    /// access, and tasks that are not what was signed, are ended instead, so the transaction can have changes even if it returns
    /// no task.
    pub async fn claim_tasks(&mut self, capabilities: &[String], most: usize) -> Result<Vec<Assignment>> {
        let runner = runner_id(&self.actor)?;
        if !self.lock_runner(runner).await? {
            return Ok(vec![]);
        }
        let since = self.size_before_claim().await?;
        let (mut permitted, mut entries) = (vec![], vec![]);
        for _ in 0..MAX_CLAIM_ROUNDS {
            let (ended, mut claimed) = (entries.len(), vec![]);
            let mut next = self.claim_next(runner, capabilities, most - permitted.len()).await?;
            next.sort_by_key(|task| task.id); // `returning` has no order
            for StoredTask { id, record } in next {
                match record {
                    Some(record) => claimed.push(record),
                    None => entries.push(self.reject_unreadable_claim(id).await?),
                }
            }
            for (task, ruling) in self.judge_claimed(claimed).await? {
                match ruling {
                    Ruling::Start(consent) => permitted.push((task, consent)),
                    held => entries.extend(self.take_back(&task, held).await?),
                }
            }
            // Only a task that was ended makes way for another: one that returned to the queue would be claimed again.
            if entries.len() == ended || permitted.len() == most {
                break;
            }
        }
        let mut assignments = vec![];
        for (task, consent) in self.recheck_claim(since, permitted).await? {
            let detail = json!({ "runner": runner, "attempt": task.attempt });
            entries.push(self.state_change_event(task.id, "task.assign", detail)?);
            self.publish(Topic::Tasks, task.id.0);
            self.count(Occurrence::Dispatch(self.now.since(task.queued_at.unwrap_or(task.created_at))));
            assignments.push(Assignment::of(task, *consent)?);
        }
        self.record_all(entries).await?;
        Ok(assignments)
    }

    /// Claims the next tasks for a runner without judging them.
    async fn claim_next(&mut self, runner: RunnerId, tools: &[String], most: usize) -> Result<Vec<StoredTask>> {
        // On PostgreSQL, nodes claim one after the other, as they append to the audit log one after the other anyway. `skip
        // locked` would leave a task unclaimed if the other node's transaction fails. SQLite has a single writer and no
        // `for update`.
        let (until, most) = (self.now.after(LEASE), i64::try_from(most).unwrap_or(i64::MAX));
        let tools = tools.join(",");
        macro_rules! claim {
            ($among:literal, $lock:literal, $ids:literal) => {
                concat!(
                    // Without the limit, a forged number would overflow and stop every claim; such a row is rejected below.
                    "update task set state = 'assigned', attempt = case when attempt < 4294967295 then attempt + 1 else attempt end,
                        runner_id = $2, lease_until = $3, next_line = 1, output_bytes = 0, output_styles = '/', incomplete_lines = '[]', cancel_requested = false, started_at = null
                     where tenant_id = $1 and state = 'queued' and id ",
                    $among,
                    "(select id from task where tenant_id = $1
                        and state = 'queued' and (",
                    can_take!("$5", "tool"),
                    " or ",
                    has_unknown_tool!(),
                    ") and not exists (select 1 from audit_head h where h.tenant_id = $1 and h.frozen_at is not null)",
                    $ids,
                    " order by priority desc, id limit $4",
                    $lock,
                    ") returning ",
                    record_columns!()
                )
            };
        }
        match &self.conn {
            // SQLite stores any bytes as an id; a task with another one is nobody's.
            Conn::Sqlite(_) => tenant_query!(
                self,
                StoredTask,
                fetch_all,
                claim!("in ", "", " and length(id) = 16"),
                runner,
                until,
                most,
                tools
            ),
            // An array is evaluated once; a join could be evaluated again and lock more rows than are claimed.
            Conn::Postgres(_) => {
                tenant_query!(
                    self,
                    StoredTask,
                    fetch_all,
                    claim!("= any(array", " for update)", ""),
                    runner,
                    until,
                    most,
                    tools
                )
            }
        }
    }

    /// Locks a runner against revocation until the transaction ends. Returns whether it is active.
    async fn lock_runner(&mut self, runner: RunnerId) -> Result<bool> {
        const SQL: &str = "update runner set slots = slots where tenant_id = $1 and id = $2 and revoked_at is null";
        Ok(tenant_query!(self, execute, SQL, runner)? > 0)
    }

    /// Locks and returns the lease's task. Returns `NotFound` if the runner no longer holds the lease.
    pub(crate) async fn lock_lease(&mut self, lease: Lease) -> Result<LeasedTask> {
        let runner = runner_id(&self.actor)?;
        tenant_query!(
            self,
            LeasedTask,
            fetch_one,
            "update task set lease_until = $5 where tenant_id = $1 and id = $2 and attempt = $3 and runner_id = $4
                and state in ('assigned', 'running')
             returning id, attempt, state, cancel_requested, next_line, output_bytes, output_styles, request_digest,
                coalesce(queued_at, created_at) as queued_at",
            lease.task,
            lease.attempt,
            runner,
            self.now.after(LEASE)
        )
    }

    /// Records that the runner started the task and returns whether it may continue. Repeating the call is no error.
    /// Nothing starts in a frozen tenant (K-09): the task returns to the queue, and the runner must drop it.
    pub async fn start_task(&mut self, lease: Lease) -> Result<bool> {
        let held = self.lock_lease(lease).await?;
        if held.state == TaskState::Running {
            return Ok(true);
        }
        const HEAD: &str = "update audit_head set seq = seq where tenant_id = $1 returning frozen_at";
        if tenant_query!(self, Freeze, fetch_one, HEAD)?.frozen_at.is_none() {
            self.note_start(lease).await?;
            return Ok(true);
        }
        // After the last attempt the task is lost: no further attempts were approved.
        self.release(&held, "the tenant was frozen before it started").await?;
        Ok(false)
    }

    async fn note_start(&mut self, lease: Lease) -> Result<()> {
        tenant_query!(
            self,
            execute,
            "update task set state = 'running', started_at = $3 where tenant_id = $1 and id = $2",
            lease.task,
            self.now
        )?;
        self.record_state_change(lease.task, "task.start", json!({ "attempt": lease.attempt })).await?;
        self.publish(Topic::Tasks, lease.task.0);
        Ok(())
    }

    /// Records the end of an attempt. The caller has verified that the receipt belongs to this lease and request, and its
    /// signature. Repeating the call is no error. Missing output lines are a conflict: the runner sends them first.
    pub async fn finish_task(&mut self, lease: Lease, receipt: &Receipt, signature: Vec<u8>) -> Result<TaskState> {
        let runner = runner_id(&self.actor)?;
        let held = match self.lock_lease(lease).await {
            Err(Error::NotFound) => return self.repeated_receipt(lease, receipt).await,
            held => held?,
        };
        let of_this = (receipt.tenant, receipt.task, receipt.attempt, receipt.runner)
            == (self.tenant, lease.task, lease.attempt, runner);
        if !of_this || receipt.request != held.request_digest {
            return Err(domain::Invalid::new("receipt", "is for another run").into());
        }
        if matches!(&receipt.end, End::NotStarted(why) if why.len() > MAX_REASON_BYTES) {
            return Err(domain::Invalid::new("receipt", "says too much of why nothing started").into());
        }
        receipt.check_lines().map_err(domain::Invalid::from)?;
        let stored_lines = u64::try_from(held.next_line - 1).map_err(|_| Error::Corrupt("log"))?;
        if stored_lines != receipt.output_lines {
            return Err(Error::Conflict(Conflict::OutputLinesMissing));
        }
        let observed = Observed {
            queued_at: held.queued_at,
            now: self.now,
            output: self.output_digest(lease).await?,
            stored_bytes: u64::try_from(held.output_bytes).map_err(|_| Error::Corrupt("log"))?,
            stored_lines,
        };
        receipt.check(&observed).map_err(domain::Invalid::from)?;
        let state = match receipt.end {
            End::Exited(0) => TaskState::Succeeded,
            End::TimedOut => TaskState::TimedOut,
            End::Cancelled => TaskState::Cancelled,
            End::Exited(_) | End::Signaled(_) | End::OutOfMemory | End::NotStarted(_) => TaskState::Failed,
        };
        if held.state == TaskState::Assigned && !matches!(receipt.end, End::NotStarted(_) | End::Cancelled) {
            self.note_start(lease).await?; // the message about the start was lost
        }
        let text = |value: serde_json::Result<String>| value.map_err(|_| Error::Corrupt("receipt"));
        tenant_query!(
            self,
            execute,
            "update task set state = $3, ending = $4, receipt = $5, receipt_signature = $6, ended_at = $7, lease_until = null,
                started_at = coalesce(started_at, $8), incomplete_lines = '[]'
             where tenant_id = $1 and id = $2",
            lease.task,
            state,
            text(serde_json::to_string(&receipt.end))?,
            text(serde_json::to_string(receipt))?,
            signature,
            self.now,
            (!matches!(receipt.end, End::NotStarted(_))).then_some(receipt.started_at)
        )?;
        let detail =
            json!({ "state": state, "end": receipt.end, "attempt": lease.attempt, "output_sha256": receipt.output });
        self.record_state_change(lease.task, "task.finish", detail).await?;
        self.count(Occurrence::TaskEnded(state));
        self.notify(Notification::TaskEnded, lease.task.0);
        self.publish(Topic::Tasks, lease.task.0);
        Ok(state)
    }

    /// Returns the final state for a receipt that was accepted before, for a runner that missed the answer.
    async fn repeated_receipt(&mut self, lease: Lease, receipt: &Receipt) -> Result<TaskState> {
        let receipt = serde_json::to_string(receipt).map_err(|_| Error::Corrupt("receipt"))?;
        let done = tenant_query!(
            self,
            crate::tasks::TaskStateRow,
            fetch_one,
            "select state from task where tenant_id = $1 and id = $2 and attempt = $3 and receipt = $4",
            lease.task,
            lease.attempt,
            receipt
        )?;
        self.wait_for_durability().await?;
        Ok(done.state)
    }

    /// Records that the runner refused to start the task.
    pub async fn refuse_task(&mut self, lease: Lease, reason: &str) -> Result<()> {
        let held = self.lock_lease(lease).await?;
        let reason = clean_reason(reason);
        self.change_state(lease.task, held.state, TaskState::Failed, Some(&End::NotStarted(reason.clone()))).await?;
        self.record_state_change(lease.task, "task.refuse", json!({ "attempt": lease.attempt, "reason": reason })).await
    }

    /// Returns a task to the queue because the runner has no free slot. After the last attempt it fails with the runner's
    /// reason.
    pub async fn release_task(&mut self, lease: Lease, reason: &str) -> Result<()> {
        if lease.attempt >= MAX_ATTEMPTS {
            return self.refuse_task(lease, reason).await;
        }
        let held = self.lock_lease(lease).await?;
        self.release(&held, &clean_reason(reason)).await
    }

    /// Renews leases and returns those that this runner no longer holds.
    pub async fn renew_leases(&mut self, leases: &[Lease]) -> Result<Vec<Lease>> {
        let mut lost = vec![];
        for lease in leases {
            match self.lock_lease(*lease).await {
                Ok(_) => {}
                Err(Error::NotFound) => lost.push(*lease),
                Err(error) => return Err(error),
            }
        }
        Ok(lost)
    }

    /// Releases tasks that this runner holds according to the database but did not list. Returns `NotFound` if it is
    /// revoked.
    pub async fn release_unlisted_leases(&mut self, held: &[Lease]) -> Result<usize> {
        let runner = runner_id(&self.actor)?;
        if !self.lock_runner(runner).await? {
            return Err(Error::NotFound);
        }
        let recorded = lock_leased!(self, "runner_id = $2", " for update", runner)?;
        let recorded = self.reject_unreadable(recorded).await?;
        let gone: Vec<_> = recorded.into_iter().filter(|task| !held.contains(&task.lease())).collect();
        for task in &gone {
            self.release(task, "the runner no longer has the task").await?;
        }
        Ok(gone.len())
    }

    /// Cancels the tasks of a revoked runner (S-13). They are not queued again because the runner is not trusted to stop
    /// and they could run twice.
    pub(crate) async fn cancel_tasks_of_runner(&mut self, runner: RunnerId) -> Result<()> {
        let mut entries = vec![];
        let leased = lock_leased!(self, "runner_id = $2", " for update", runner)?;
        for task in self.reject_unreadable(leased).await? {
            self.change_state(task.id, task.state, TaskState::Cancelled, None).await?;
            let detail =
                json!({ "attempt": task.attempt, "reason": "its runner was revoked", "state": TaskState::Cancelled });
            entries.push(self.state_change_event(task.id, "task.release", detail)?);
        }
        self.record_all(entries).await
    }

    /// Releases the tasks whose lease expired and returns their number.
    pub async fn release_expired_leases(&mut self) -> Result<usize> {
        let expired = lock_leased!(self, "lease_until <= $2", " for update skip locked", self.now)?;
        let expired = self.reject_unreadable(expired).await?;
        for task in &expired {
            self.release(task, "its runner was silent for too long").await?;
        }
        Ok(expired.len())
    }

    /// Fails the tasks of which a value cannot be read, and returns the others.
    async fn reject_unreadable(&mut self, stored: Vec<StoredTask<LeasedTask>>) -> Result<Vec<LeasedTask>> {
        const SQL: &str = "select state from task where tenant_id = $1 and id = $2";
        let (mut readable, mut entries) = (vec![], vec![]);
        for StoredTask { id, record } in stored {
            match record {
                Some(task) => readable.push(task),
                None => {
                    let from = tenant_query!(self, crate::tasks::TaskStateRow, fetch_one, SQL, id)?.state;
                    entries.push(self.reject(id, from, UNREADABLE).await?);
                }
            }
        }
        self.record_all(entries).await?;
        Ok(readable)
    }

    /// Records that a runner's message was rejected: for a lease that it does not hold, or altogether.
    pub async fn note_refused_runner(&mut self, lease: Option<Lease>, reason: &str) -> Result<()> {
        let runner = runner_id(&self.actor)?;
        let (target, attempt) = match lease {
            Some(lease) => (("task", lease.task.to_string()), Some(lease.attempt)),
            None => (("runner", runner.to_string()), None),
        };
        let detail = json!({ "runner": runner, "attempt": attempt, "reason": reason });
        self.note("runner.refuse", target, domain::audit::Outcome::Refused, detail).await
    }

    /// Ends a lease without a result: the task is canceled if that was requested or its owner lost access, queued again, or
    /// lost after its last attempt.
    async fn release(&mut self, task: &LeasedTask, why: &str) -> Result<()> {
        let because = self.owner_access_loss(task.id).await?;
        let to = match (task.cancel_requested || because.is_some(), task.attempt < MAX_ATTEMPTS) {
            (true, _) => TaskState::Cancelled,
            (false, true) => TaskState::Queued,
            (false, false) => TaskState::Lost,
        };
        self.change_state(task.id, task.state, to, None).await?;
        let detail = json!({ "attempt": task.attempt, "reason": why, "state": to, "because": because });
        self.record_state_change(task.id, "task.release", detail).await
    }
}

/// Removes control characters from a runner's reason and limits it to 500 characters.
fn clean_reason(reason: &str) -> String {
    reason.chars().filter(|c| !c.is_control()).take(500).collect()
}

/// Returns the actor's runner id, or `NotFound` for other actors.
pub(crate) fn runner_id(actor: &Actor) -> Result<RunnerId> {
    match actor.principal {
        Principal::Runner(runner) => Ok(runner),
        _ => Err(Error::NotFound),
    }
}

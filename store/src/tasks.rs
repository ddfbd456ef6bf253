//! Tasks: submitting them, finding them, cancelling them.
use crate::{
    Error, Read, Result, Topic, Write,
    column::record,
    conn::{random, scoped},
    filter::{Arg, Page, Statement, anywhere},
};
use domain::{
    Allowed, KeyId, OrganisationId, PersonId, RunnerId, TaskId, Timestamp,
    audit::Outcome,
    label::Labels,
    network::NetworkPolicy,
    policy::{CancelTask, SubmitTask},
    receipt::{End, Receipt},
    request::{InputDigest, Request, RequestDigest},
    rule::Verdict,
    task::{Priority, Submission, TaskState, Tool},
    visibility::Visibility,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use uuid::Uuid;

record! {
    /// A task as it stands in a list.
    pub struct TaskRow {
        /// Its id.
        pub id: TaskId,
        /// A line to recognise it by.
        pub title: String,
        /// Where it stands.
        pub state: TaskState,
        /// What runs it.
        pub tool: Tool,
        /// Who sees it.
        pub visibility: Visibility,
        /// What it reaches.
        pub network: NetworkPolicy,
        /// Where it belongs.
        pub organisation_id: OrganisationId,
        /// What that is called.
        pub organisation: String,
        /// Who submitted it.
        pub owner_id: PersonId,
        /// Their name.
        pub owner: String,
        /// When it was submitted.
        pub created_at: Timestamp,
        /// When it started, the last time.
        pub started_at: Option<Timestamp>,
        /// When it ended.
        pub ended_at: Option<Timestamp>,
        /// How it ended ([`End`] as JSON).
        pub ending: Option<String>,
    }
}

record! {
    /// A task, whole.
    pub struct Task {
        /// Its id.
        pub id: TaskId,
        /// A line to recognise it by.
        pub title: String,
        /// Where it stands.
        pub state: TaskState,
        /// What runs it.
        pub tool: Tool,
        /// Who sees it.
        pub visibility: Visibility,
        /// What it reaches.
        pub network: NetworkPolicy,
        /// Where it belongs.
        pub organisation_id: OrganisationId,
        /// What that is called.
        pub organisation: String,
        /// Who submitted it.
        pub owner_id: PersonId,
        /// Their name.
        pub owner: String,
        /// With which key, if not in a browser.
        pub key_id: Option<KeyId>,
        /// Its turn ([`Priority::rank`]).
        pub priority: i64,
        /// Whether it ever asked for approval.
        pub asked: bool,
        /// The rule that let it run, asked or refused.
        pub rule: String,
        /// The script.
        pub script: String,
        /// The canonical request.
        pub request: String,
        /// Its digest.
        pub request_digest: RequestDigest,
        /// Which start this is; 0 before the first.
        pub attempt: u32,
        /// Who runs or ran it.
        pub runner_id: Option<RunnerId>,
        /// What that runner is called.
        pub runner: Option<String>,
        /// Until when the runner has it, unless it says more.
        pub lease_until: Option<Timestamp>,
        /// Whether somebody asked to stop it.
        pub cancel_asked: bool,
        /// The number that the next line of output gets.
        pub next_line: i64,
        /// How it ended ([`End`] as JSON).
        pub ending: Option<String>,
        /// The runner's receipt ([`Receipt`] as JSON).
        pub receipt: Option<String>,
        /// The runner's signature over it.
        pub receipt_signature: Option<Vec<u8>>,
        /// The key that it verifies with (SubjectPublicKeyInfo).
        pub runner_key: Option<Vec<u8>>,
        /// When it was submitted.
        pub created_at: Timestamp,
        /// When it began to wait for a runner, the last time.
        pub queued_at: Option<Timestamp>,
        /// When it started, the last time.
        pub started_at: Option<Timestamp>,
        /// When it ended.
        pub ended_at: Option<Timestamp>,
    }
}

impl Task {
    /// How it ended.
    pub fn end(&self) -> Option<End> {
        serde_json::from_str(self.ending.as_deref()?).ok()
    }

    /// The receipt of the run that ended it.
    pub fn read_receipt(&self) -> Option<Receipt> {
        serde_json::from_str(self.receipt.as_deref()?).ok()
    }

    /// What exactly runs.
    pub fn read_request(&self) -> Result<Request> {
        Request::read(self.request.as_bytes()).map_err(|_| Error::Corrupt("request"))
    }
}

record! {
    /// How far a task has come.
    pub struct Progress {
        /// Where it stands.
        pub state: TaskState,
        /// Which start of it this is; 0 before the first.
        pub attempt: u32,
        /// The number that the next line of output gets.
        pub next_line: i64,
    }
}

/// What to look for.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    /// Only in these states; all when empty.
    pub states: Vec<TaskState>,
    /// Only of this organisation.
    pub organisation: Option<OrganisationId>,
    /// Only the actor's own.
    pub mine: bool,
    /// Only with this label.
    pub label: Option<(String, String)>,
    /// Only with this text in the title.
    pub text: Option<String>,
}

record! {
    /// How many there are of a state; of none without a state.
    pub struct Counted {
        /// The state.
        pub state: Option<TaskState>,
        /// How many.
        pub n: i64,
    }
}

/// How many tasks of each state the actor sees, each counted to [`COUNTED`] at most.
pub type Counts = BTreeMap<TaskState, i64>;

/// Where counting stops: what has piled up is not worth reading it all for every look at a list.
pub const COUNTED: i64 = 100;

/// What became of a submission.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// The task.
    pub id: TaskId,
    /// Where it stands.
    pub state: TaskState,
    /// The digest of exactly what will run.
    pub request_digest: RequestDigest,
    /// Whether the idempotency key had been used for the same submission before: nothing new was made.
    pub repeated: bool,
}

/// Who sees a task: what [`domain::visibility::Sight::seen_by`] says, as SQL. `$2` is the person, `$3` whether they read everything.
/// Where they are a member is asked once for a list, not for each row.
macro_rules! visible {
    () => {
        "(t.owner_id = $2 or $3 or t.visibility = 'public'
            or (t.visibility = 'org' and t.organisation_id in (select m.organisation_id from membership m
                where m.tenant_id = $1 and m.person_id = $2))
            or (t.asked and t.organisation_id in (select m.organisation_id from membership m
                where m.tenant_id = $1 and m.person_id = $2 and m.role in ('approver', 'owner'))))"
    };
}

macro_rules! list {
    () => {
        concat!(
            "select t.id, t.title, t.state, t.tool, t.visibility, t.network, t.organisation_id, o.name as organisation,
                t.owner_id, p.name as owner, t.created_at, t.started_at, t.ended_at, t.ending
             from task t join organisation o on o.tenant_id = t.tenant_id and o.id = t.organisation_id
             join person p on p.tenant_id = t.tenant_id and p.id = t.owner_id
             where t.tenant_id = $1 and ",
            visible!()
        )
    };
}

impl Read {
    /// Tasks that match and that the actor sees, newest first, `after` being the last one seen.
    pub async fn tasks(&mut self, filter: &TaskFilter, after: Option<TaskId>, limit: u32) -> Result<Page<TaskRow>> {
        let mut statement = self.visible_tasks(list!());
        restrict(&mut statement, filter, self.viewer());
        if let Some(TaskId(id)) = after {
            statement.push(" and t.id < ?", Arg::Uuid(id));
        }
        statement.push(" order by t.id desc limit ?", Arg::Int(i64::from(limit) + 1));
        Ok(Page::cut(statement.fetch(&mut self.conn).await?, limit, |row: &TaskRow| row.id.to_string()))
    }

    /// How many there are of each state, the filter's own states left aside.
    pub async fn task_counts(&mut self, filter: &TaskFilter) -> Result<Counts> {
        const ONE: &str = concat!(
            "select max(state) as state, count(*) as n from (select t.state from task t where t.tenant_id = $1 and ",
            visible!()
        );
        let mut counts: Counts =
            TaskState::ALL.iter().filter(|state| **state != TaskState::Submitted).map(|state| (*state, 0)).collect();
        let mut statement = self.visible_tasks(ONE);
        for (at, state) in counts.keys().enumerate() {
            if at > 0 {
                statement.push_text(" union all ");
                statement.push_text(ONE);
            }
            restrict(&mut statement, &TaskFilter { states: vec![*state], ..filter.clone() }, self.viewer());
            statement.push(" limit ?) counted", Arg::Int(COUNTED));
        }
        let rows: Vec<Counted> = statement.fetch(&mut self.conn).await?;
        counts.extend(rows.into_iter().filter_map(|row| Some((row.state?, row.n))));
        Ok(counts)
    }

    /// One task. What the actor does not see is not found.
    pub async fn task(&mut self, id: TaskId) -> Result<Task> {
        let (person, everything) = (self.viewer(), self.actor.reads_everything());
        scoped!(
            self,
            Task,
            fetch_one,
            concat!(
                "select t.id, t.title, t.state, t.tool, t.visibility, t.network, t.organisation_id, o.name as organisation,
                    t.owner_id, p.name as owner, t.key_id, t.priority, t.asked, t.rule, t.script, t.request, t.request_digest,
                    t.attempt, t.runner_id, r.name as runner, t.lease_until, t.cancel_asked, t.next_line, t.ending, t.receipt,
                    t.receipt_signature, r.public_key as runner_key, t.created_at, t.queued_at, t.started_at, t.ended_at
                 from task t join organisation o on o.tenant_id = t.tenant_id and o.id = t.organisation_id
                 join person p on p.tenant_id = t.tenant_id and p.id = t.owner_id
                 left join runner r on r.tenant_id = t.tenant_id and r.id = t.runner_id
                 where t.tenant_id = $1 and t.id = $4 and ",
                visible!()
            ),
            person,
            everything,
            id
        )
    }

    /// How far a task has come: what is asked again and again while somebody watches it.
    pub async fn progress(&mut self, id: TaskId) -> Result<Progress> {
        let (person, everything) = (self.viewer(), self.actor.reads_everything());
        scoped!(
            self,
            Progress,
            fetch_one,
            concat!(
                "select t.state, t.attempt, t.next_line from task t where t.tenant_id = $1 and t.id = $4 and ",
                visible!()
            ),
            person,
            everything,
            id
        )
    }

    /// The labels of a task that the actor sees.
    pub async fn labels(&mut self, id: TaskId) -> Result<Labels> {
        self.task(id).await?;
        const SQL: &str = "select key, value from task_label where tenant_id = $1 and task_id = $2 order by key";
        let rows = scoped!(self, Label, fetch_all, SQL, id)?;
        let labels: BTreeMap<_, _> = rows.into_iter().map(|row| (row.key, row.value)).collect();
        labels.try_into().map_err(|_| Error::Corrupt("labels"))
    }

    fn visible_tasks(&self, sql: &'static str) -> Statement {
        let everything = Arg::Bool(self.actor.reads_everything());
        Statement::new(sql, vec![Arg::Uuid(self.tenant.0), Arg::Uuid(self.viewer().0), everything])
    }
}

fn restrict(statement: &mut Statement, filter: &TaskFilter, person: PersonId) {
    for (at, state) in filter.states.iter().enumerate() {
        statement.push(if at == 0 { " and t.state in (?" } else { ", ?" }, Arg::Text(state.to_string()));
    }
    if !filter.states.is_empty() {
        statement.push_text(")");
    }
    if let Some(OrganisationId(id)) = filter.organisation {
        statement.push(" and t.organisation_id = ?", Arg::Uuid(id));
    }
    if filter.mine {
        statement.push(" and t.owner_id = ?", Arg::Uuid(person.0));
    }
    if let Some((key, value)) = &filter.label {
        let sql = " and exists (select 1 from task_label l where l.tenant_id = t.tenant_id and l.task_id = t.id and l.key = ?";
        statement.push(sql, Arg::Text(key.clone()));
        statement.push(" and l.value = ?)", Arg::Text(value.clone()));
    }
    if let Some(text) = &filter.text {
        statement.push(r" and lower(t.title) like lower(?) escape '\'", Arg::Text(anywhere(text)));
    }
}

record! {
    /// A label.
    pub struct Label {
        /// Its key.
        pub key: String,
        /// Its value.
        pub value: String,
    }
}

record! {
    /// What an idempotency key was used for.
    pub struct Earlier {
        /// The task.
        pub id: TaskId,
        /// Where it stands.
        pub state: TaskState,
        /// Its request's digest.
        pub request_digest: RequestDigest,
        /// The digest of what was submitted.
        pub submission_digest: Vec<u8>,
    }
}

impl Write {
    /// Records a task and applies the tenant's rules to it. The same idempotency key gives the same task once more;
    /// with another submission it is a conflict (S-09).
    pub async fn submit_task(&mut self, proof: Allowed<SubmitTask>) -> Result<Submitted> {
        let SubmitTask { submission, idempotency_key } = proof.action();
        let owner = self.actor.person().ok_or(Error::Conflict("Tasks are submitted by people and their keys."))?;
        let content = serde_json::to_vec(submission).map_err(|_| Error::Corrupt("submission"))?;
        let content = InputDigest::of(&content).0;
        if let Some(key) = idempotency_key
            && let Some(earlier) = self.submitted_before(owner, key, content).await?
        {
            return Ok(earlier);
        }

        let id = TaskId(Uuid::now_v7());
        let request = Request::new(submission, self.tenant, owner, self.actor.key(), random()?);
        let canonical = request.canonical();
        let digest = RequestDigest::of(&canonical);
        let rules = self.rules().await?;
        let (verdict, rule) = rules.judge(submission);
        let state = match verdict {
            Verdict::Run => TaskState::Queued,
            Verdict::Ask { .. } => TaskState::AwaitingApproval,
            Verdict::Refuse => TaskState::Denied,
        };
        let now = self.now;
        let made = scoped!(
            self,
            execute,
            "insert into task (tenant_id, id, organisation_id, owner_id, key_id, title, tool, visibility, network, priority,
                state, asked, rule, script, request, request_digest, idempotency_key, submission_digest, created_at,
                queued_at, ended_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
             on conflict (tenant_id, owner_id, idempotency_key) where idempotency_key is not null do nothing",
            id,
            submission.organisation,
            owner,
            self.actor.key(),
            submission.title.clone(),
            submission.tool,
            submission.visibility,
            submission.network.policy,
            submission.priority.rank(),
            state,
            state == TaskState::AwaitingApproval,
            rule.to_owned(),
            submission.script.clone(),
            String::from_utf8(canonical).map_err(|_| Error::Corrupt("request"))?,
            digest,
            idempotency_key.clone(),
            content,
            now,
            (state == TaskState::Queued).then_some(now),
            state.is_final().then_some(now)
        )?;
        if let (0, Some(key)) = (made, idempotency_key) {
            // Somebody submitted with this key since we looked.
            return self.submitted_before(owner, key, content).await?.ok_or(Error::Busy);
        }
        for (key, value) in submission.labels.iter() {
            scoped!(
                self,
                execute,
                "insert into task_label (tenant_id, task_id, key, value) values ($1, $2, $3, $4)",
                id,
                key.to_owned(),
                value.to_owned()
            )?;
        }
        if let Verdict::Ask { approvers, hours } = *verdict {
            let expires_at = now.after(Duration::from_hours(hours.into()));
            self.ask(id, submission.organisation, owner, digest, rule, approvers, expires_at).await?;
        }
        let entry = self
            .entry(&proof)?
            .on("task", id.to_string())
            .with_detail("organisation", json!(submission.organisation))
            .with_detail("request_digest", json!(digest))
            .with_detail("rule", json!(rule))
            .with_detail("state", json!(state));
        self.record(entry).await?;
        self.tell(Topic::Tasks, id.0);
        Ok(Submitted { id, state, request_digest: digest, repeated: false })
    }

    async fn submitted_before(&mut self, owner: PersonId, key: &str, content: [u8; 32]) -> Result<Option<Submitted>> {
        if key.is_empty() || key.len() > 255 || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(domain::Invalid::new("idempotency_key", "must be 1 to 255 visible ASCII characters").into());
        }
        let earlier = scoped!(
            self,
            Earlier,
            fetch_optional,
            "select id, state, request_digest, submission_digest from task
             where tenant_id = $1 and owner_id = $2 and idempotency_key = $3",
            owner,
            key.to_owned()
        )?;
        match earlier {
            None => Ok(None),
            Some(task) if task.submission_digest == content => {
                let Earlier { id, state, request_digest, .. } = task;
                Ok(Some(Submitted { id, state, request_digest, repeated: true }))
            }
            Some(_) => Err(Error::Conflict("This idempotency key was used for another task.")),
        }
    }

    /// Stops a task: at once where it waits, through its runner where it runs.
    pub async fn cancel_task(&mut self, proof: Allowed<CancelTask>) -> Result<TaskState> {
        let &CancelTask { task, owner, organisation } = proof.action();
        self.lock_question(task).await?;
        let found = scoped!(
            self,
            Waiting,
            fetch_one,
            "update task set cancel_asked = true where tenant_id = $1 and id = $2 and owner_id = $3 and organisation_id = $4
             returning state",
            task,
            owner,
            organisation
        )?;
        let state = match found.state {
            TaskState::Assigned | TaskState::Running => found.state,
            waiting if waiting.can_become(TaskState::Cancelled) => {
                self.settle(task, waiting, TaskState::Cancelled, None).await?;
                self.withdraw(task).await?;
                TaskState::Cancelled
            }
            _ => return Err(Error::Conflict("This task has ended already.")),
        };
        let entry = self.entry(&proof)?.with_detail("was", json!(found.state));
        self.record(entry).await?;
        self.tell(Topic::Tasks, task.0);
        Ok(state)
    }

    /// Moves a task that does not run from one state to another that ends it or queues it. Says nothing in the audit log.
    pub(crate) async fn settle(
        &mut self,
        task: TaskId,
        from: TaskState,
        to: TaskState,
        ending: Option<&End>,
    ) -> Result<()> {
        if !from.can_become(to) {
            return Err(Error::Conflict("The task is not in a state for this any more."));
        }
        let ending = ending.map(serde_json::to_string).transpose().map_err(|_| Error::Corrupt("ending"))?;
        let moved = scoped!(
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
            return Err(Error::Conflict("The task is not in a state for this any more."));
        }
        self.tell(Topic::Tasks, task.0);
        Ok(())
    }

    /// Records a move of a task that nobody decided.
    pub(crate) async fn note_task(&mut self, task: TaskId, action: &str, detail: Value) -> Result<()> {
        self.note(action, ("task", task.to_string()), Outcome::Done, detail).await
    }
}

record! {
    /// Where a task stood.
    pub struct Waiting {
        /// Its state.
        pub state: TaskState,
    }
}

/// The submission that would run the same again, for the form that starts from it.
impl Task {
    /// What was asked for, without labels.
    pub fn submission(&self) -> Result<Submission> {
        let request = self.read_request()?;
        let priority = Priority::ALL.iter().copied().find(|p| p.rank() == self.priority).unwrap_or_default();
        Ok(Submission {
            organisation: self.organisation_id,
            tool: self.tool,
            script: self.script.clone(),
            title: self.title.clone(),
            visibility: self.visibility,
            network: request.network,
            limits: request.limits,
            labels: Labels::default(),
            priority,
        })
    }
}

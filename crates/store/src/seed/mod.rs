//! Synthetic tasks for load tests: every state, with labels, output, approval requests and a valid hash chain.
//!
//! Rows are inserted in bulk for the one given tenant. Only the console command `dev seed` uses these statements, which is
//! why they need no proof.
mod rows;

use crate::{
    Error, Result, Store, System,
    audit::Head,
    consent::{record_digest, submission_digest},
    db::{
        column::{Column, row_type},
        conn::{Conn, unscoped_query},
        id::new_id,
        random::random,
    },
    leases::LEASE,
};
use domain::{
    Actor, ApprovalId, OrganizationId, PersonId, RunnerId, TaskId, TenantId, Timestamp,
    ansi::Styles,
    approval::Answer,
    audit::{Entry, Outcome, link},
    consent::{Decision, Judgment, Signed, Subject},
    log::{Line, Stream},
    network::NetworkPolicy,
    receipt::End,
    request::{InputDigest, Request, RequestDigest},
    role::{Role, TenantRole},
    rule::Verdict,
    task::{Submission, SubmissionForm, TaskState},
    visibility::Visibility,
};
use rows::{Table, Value};
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::task::spawn_blocking;
use uuid::{NoContext, Uuid};

/// Number of tasks per transaction; other writers can run in between.
const BATCH: u32 = 1_000;
/// Numbers of organizations and people that the tasks are distributed over.
const ORGANIZATIONS: u32 = 4;
const PEOPLE: u32 = 12;
/// Time between two tasks.
const STEP: Duration = Duration::from_secs(20);
/// In every this many tasks, one each waits for approval, is queued, assigned and running; the others have ended.
const UNFINISHED: u32 = 200;
/// Time to decide in hours: long enough for any measurement.
const APPROVAL_HOURS: u32 = 720;

impl System<'_> {
    /// Adds `tasks` tasks to a tenant, in every state, with creation times in sequence and their own people and organizations.
    pub async fn seed(&self, tenant: TenantId, tasks: u32) -> Result<()> {
        self.seed_in(tenant, tasks, state).await
    }

    /// Adds `tasks` tasks that wait in the queue.
    pub async fn seed_queue(&self, tenant: TenantId, tasks: u32) -> Result<()> {
        self.seed_in(tenant, tasks, |_| TaskState::Queued).await
    }

    async fn seed_in(&self, tenant: TenantId, tasks: u32, state: fn(u32) -> TaskState) -> Result<()> {
        let fixture = Arc::new(self.seed_fixture(tenant).await?);
        let (begin, now) = (self.now().before(STEP.saturating_mul(tasks)), self.now());
        let build = |first: u32| {
            let (fixture, store) = (Arc::clone(&fixture), self.0.clone());
            spawn_blocking(move || {
                let mut batch = Batch::new(tenant, now, store);
                for number in first..tasks.min(first.saturating_add(BATCH)) {
                    batch.add(&fixture, number, state(number), begin.after(STEP.saturating_mul(number)))?;
                }
                Ok::<_, Error>(batch)
            })
        };
        // The next batch is built and signed while this one is written.
        let mut firsts = (0..tasks).step_by(usize::try_from(BATCH).unwrap_or(1));
        let mut next = firsts.next().map(build);
        while let Some(building) = next {
            let batch = building.await.map_err(|_| Error::Corrupt("seed"))??;
            next = firsts.next().map(build);
            let mut conn = self.write().await?;
            batch.write(&mut conn).await?;
            conn.commit().await?;
        }
        self.analyze_tables(&["task", "task_label", "task_word", "task_log", "approval", "decision", "audit"]).await
    }

    /// Returns the people and organizations of synthetic tasks; creates them the first time.
    async fn seed_fixture(&self, tenant: TenantId) -> Result<SeedFixture> {
        let (mut conn, now) = (self.write().await?, self.now());
        for number in 1..=ORGANIZATIONS {
            let sql = "insert into organization (tenant_id, id, name, created_at) values ($1, $2, $3, $4) on conflict do nothing";
            let (id, name) = (OrganizationId(new_id()), format!("Load {number}"));
            unscoped_query!(conn, execute, sql, tenant, id, name, now)?;
        }
        for number in 1..=PEOPLE {
            let sql = "insert into person (tenant_id, id, email, name, search_text, tenant_role, created_at)
                 values ($1, $2, $3, $4, lower($4), $5, $6) on conflict do nothing";
            let (id, email) = (PersonId(new_id()), format!("load-{number}@{tenant}.invalid"));
            unscoped_query!(conn, execute, sql, tenant, id, email, format!("Load {number}"), TenantRole::Person, now)?;
        }
        let sql = "insert into membership (tenant_id, organization_id, person_id, role, created_at)
             select o.tenant_id, o.id, p.id, $2, $3 from organization o join person p on p.tenant_id = o.tenant_id
             where o.tenant_id = $1 and o.name like 'Load %' and p.email like 'load-%.invalid' on conflict do nothing";
        unscoped_query!(conn, execute, sql, tenant, Role::Approver, now)?;
        let sql = "insert into runner (tenant_id, id, name, version, capabilities, posture, slots, serial, public_key, created_at,
                expires_at) values ($1, $2, 'load', '0', 'bash', '{}', 0, $3, $4, $5, $5) on conflict do nothing";
        let load = RunnerId(new_id());
        unscoped_query!(conn, execute, sql, tenant, load, String::new(), load.0.as_bytes().to_vec(), now)?;
        let sql = "select m.organization_id, m.person_id from membership m
             join person p on p.tenant_id = m.tenant_id and p.id = m.person_id
             where m.tenant_id = $1 and p.email like 'load-%.invalid' order by m.organization_id, m.person_id";
        let places = unscoped_query!(conn, SeedMembership, fetch_all, sql, tenant)?;
        let sql = "select id from runner where tenant_id = $1 and name = 'load' and revoked_at is null";
        let runner = unscoped_query!(conn, LoadRunner, fetch_one, sql, tenant)?;
        conn.commit().await?;
        Ok(SeedFixture { places, runner: runner.id })
    }
}

row_type! {
    /// A membership that synthetic tasks are created for.
    pub struct SeedMembership {
        pub organization_id: OrganizationId,
        pub person_id: PersonId,
    }
}

row_type! {
    pub struct LoadRunner {
        pub id: RunnerId,
    }
}

struct SeedFixture {
    places: Vec<SeedMembership>,
    runner: RunnerId,
}

impl SeedFixture {
    fn place(&self, number: u32) -> Result<&SeedMembership> {
        let at = usize::try_from(number).unwrap_or(0) % self.places.len().max(1);
        self.places.get(at).ok_or(Error::Corrupt("no one to seed for"))
    }
}

/// The rows of one transaction.
struct Batch {
    tenant: TenantId,
    now: Timestamp,
    store: Store,
    tasks: Table<27>,
    labels: Table<4>,
    words: Table<3>,
    logs: Table<7>,
    approvals: Table<13>,
    decisions: Table<8>,
    records: Vec<(Actor, Entry)>,
}

impl Batch {
    fn new(tenant: TenantId, now: Timestamp, store: Store) -> Self {
        Self {
            tenant,
            now,
            store,
            tasks: Table::new(
                "task (tenant_id, id, organization_id, owner_id, title, tool, visibility, network, priority, state, required_approval, rule,
                    rules_version, self_approval, judgment_signature, queued_at, script, request, request_digest, submission_digest, attempt, runner_id, lease_until, next_line, ending,
                    created_at, ended_at)",
            ),
            labels: Table::new("task_label (tenant_id, task_id, key, value)"),
            words: Table::new("task_word (tenant_id, task_id, word)"),
            logs: Table::new("task_log (tenant_id, task_id, attempt, first_line, next_line, styles, lines)"),
            approvals: Table::new(
                "approval (tenant_id, id, task_id, organization_id, requester_id, request_digest, rule, needed, requires_passkey, state,
                    created_at, expires_at, settled_at)",
            ),
            decisions: Table::new(
                "decision (tenant_id, approval_id, person_id, answer, reason, created_at, rules_version, signature)",
            ),
            records: vec![],
        }
    }

    fn add(&mut self, fixture: &SeedFixture, number: u32, state: TaskState, at: Timestamp) -> Result<()> {
        let place = fixture.place(number)?;
        let required_approval = matches!(state, TaskState::AwaitingApproval | TaskState::Denied | TaskState::Expired)
            || number.is_multiple_of(5);
        let submission = submission(number, place.organization_id, required_approval)?;
        let request = Request::new(&submission, self.tenant, place.person_id, None, random()?);
        let canonical = request.canonical();
        let digest = RequestDigest::of(&canonical);
        let id = TaskId(Uuid::new_v7(uuid_timestamp(at)));
        let rule =
            if required_approval { "Everything else requires approval" } else { "Isolated scripts run immediately" };
        let ran = matches!(
            state,
            TaskState::Succeeded | TaskState::Failed | TaskState::TimedOut | TaskState::Running | TaskState::Assigned
        );
        let lines = if ran && state != TaskState::Assigned { i64::from(number % 40) } else { 0 };
        let ending = match state {
            TaskState::Succeeded => Some(End::Exited(0)),
            TaskState::Failed => Some(End::Exited(1)),
            TaskState::TimedOut => Some(End::TimedOut),
            _ => None,
        };
        let held = matches!(state, TaskState::Running | TaskState::Assigned);
        let ending = ending.map(|end| serde_json::to_string(&end)).transpose().map_err(|_| Error::Corrupt("ending"))?;
        let content = submission_digest(&submission)?;
        let judgment = Judgment {
            tenant: self.tenant,
            subject: Subject::Task(id),
            request: digest,
            record: record_digest(content, None),
            rules_version: 1,
            rule: rule.to_owned(),
            verdict: if required_approval {
                Verdict::Ask { approvers: 1, hours: APPROVAL_HOURS, passkey: false }
            } else {
                Verdict::Run
            },
            responsible: None,
            key_creator: None,
            self_approval: false,
            at,
        };
        let judgment = Signed::new(judgment, self.store.signer());
        self.tasks.push([
            self.tenant.into(),
            id.into(),
            place.organization_id.into(),
            place.person_id.into(),
            submission.title.clone().into(),
            submission.tool.to_string().into(),
            submission.visibility.to_string().into(),
            submission.network.policy.to_string().into(),
            submission.priority.rank().into(),
            state.to_string().into(),
            Value::Bool(required_approval),
            rule.to_owned().into(),
            1.into(),
            Value::Bool(false),
            judgment.signature.0.to_vec().into(),
            Value::Int((!matches!(state, TaskState::AwaitingApproval)).then_some(at.0)),
            submission.script.clone().into(),
            String::from_utf8(canonical).map_err(|_| Error::Corrupt("request"))?.into(),
            digest.0.to_vec().into(),
            content.0.to_vec().into(),
            i64::from(ran).into(),
            Value::Uuid(ran.then_some(fixture.runner.0)),
            // Long enough for any measurement, so that tasks of a runner that does not exist are not released.
            Value::Int(held.then_some(self.now.after(LEASE.saturating_mul(100_000)).0)),
            (lines + 1).into(),
            Value::Text(ending),
            at.0.into(),
            Value::Int(state.is_final().then_some(at.after(STEP).0)),
        ]);
        for (key, value) in submission.labels.iter() {
            self.labels.push([self.tenant.into(), id.into(), key.to_owned().into(), value.to_owned().into()]);
        }
        for word in domain::search_terms::of_title(&submission.title) {
            self.words.push([self.tenant.into(), id.into(), word.into()]);
        }
        if lines > 0 {
            let text = serde_json::to_string(&output(at, lines)).map_err(|_| Error::Corrupt("log"))?;
            self.logs.push([
                self.tenant.into(),
                id.into(),
                1.into(),
                1.into(),
                (lines + 1).into(),
                Styles::default().to_string().into(),
                text.into(),
            ]);
        }
        if required_approval {
            self.add_approval(fixture, number, id, place, digest, state, at)?;
        }
        let decider = required_approval.then_some(fixture.place(number + 1)?.person_id);
        self.record_events(place, id, digest, state, decider, ran, at)
    }

    fn add_approval(
        &mut self,
        fixture: &SeedFixture,
        number: u32,
        task: TaskId,
        place: &SeedMembership,
        digest: RequestDigest,
        state: TaskState,
        at: Timestamp,
    ) -> Result<()> {
        let id = ApprovalId(Uuid::new_v7(uuid_timestamp(at)));
        let approval_state = match state {
            TaskState::AwaitingApproval => "waiting",
            TaskState::Denied => "denied",
            TaskState::Expired => "expired",
            TaskState::Cancelled => "withdrawn",
            _ => "approved",
        };
        self.approvals.push([
            self.tenant.into(),
            id.into(),
            task.into(),
            place.organization_id.into(),
            place.person_id.into(),
            digest.0.to_vec().into(),
            "Everything else requires approval".to_owned().into(),
            1.into(),
            Value::Bool(false),
            approval_state.to_owned().into(),
            at.0.into(),
            at.after(Duration::from_hours(APPROVAL_HOURS.into())).0.into(),
            Value::Int((approval_state != "waiting").then_some(at.0)),
        ]);
        if let "denied" | "approved" = approval_state {
            let decider = fixture.place(number + 1)?.person_id;
            let reason = "Synthetic".to_owned();
            let decision_answer = if approval_state == "denied" { Answer::Deny } else { Answer::Approve };
            let decision = Decision {
                tenant: self.tenant,
                subject: Subject::Task(task),
                approval: id,
                request: digest,
                approver: decider,
                answer: decision_answer,
                reason: InputDigest::of(reason.as_bytes()),
                rules_version: 1,
                at,
                assertion: None,
            };
            let signed = Signed::new(decision, self.store.signer());
            self.decisions.push([
                self.tenant.into(),
                id.into(),
                decider.into(),
                decision_answer.to_string().into(),
                reason.into(),
                at.0.into(),
                1.into(),
                signed.signature.0.to_vec().into(),
            ]);
        }
        Ok(())
    }

    /// Records what [`crate::consent`] expects of a task in this state.
    fn record_events(
        &mut self,
        place: &SeedMembership,
        task: TaskId,
        digest: RequestDigest,
        state: TaskState,
        decider: Option<PersonId>,
        ran: bool,
        at: Timestamp,
    ) -> Result<()> {
        let clock = Actor::clock(self.tenant, at);
        let mut owner = clock.clone();
        owner.principal = domain::Principal::Person(place.person_id);
        let first = if decider.is_some() { TaskState::AwaitingApproval } else { TaskState::Queued };
        let detail = json!({ "organization": place.organization_id, "request_digest": digest, "state": first });
        self.note(&owner, "task.submit", task, detail, at, true)?;
        if let Some(decider) = decider.filter(|_| ran || state == TaskState::Queued) {
            let approver = Actor { principal: domain::Principal::Person(decider), ..clock.clone() };
            let detail = json!({ "answer": Answer::Approve, "request_digest": digest, "state": "approved" });
            self.note(&approver, "approval.decide", task, detail, at, true)?;
        }
        self.note(&clock, "task.assign", task, json!({ "attempt": 1 }), at, ran)?;
        self.note(&clock, "task.start", task, json!({ "attempt": 1 }), at, ran && state != TaskState::Assigned)?;
        self.note(&clock, "task.finish", task, json!({ "state": state }), at.after(STEP), state.is_final() && ran)?;
        self.note(&clock, "task.end", task, json!({ "state": state }), at.after(STEP), state.is_final() && !ran)
    }

    fn note(
        &mut self,
        actor: &Actor,
        action: &str,
        task: TaskId,
        detail: serde_json::Value,
        at: Timestamp,
        happened: bool,
    ) -> Result<()> {
        if happened {
            let target = ("task", task.to_string());
            let entry = Entry::event(actor, action, target, Outcome::Done, detail, at, random()?);
            self.records.push((actor.clone(), entry));
        }
        Ok(())
    }

    async fn write(self, conn: &mut Conn) -> Result<()> {
        self.tasks.write(conn).await?;
        self.labels.write(conn).await?;
        self.words.write(conn).await?;
        self.logs.write(conn).await?;
        self.approvals.write(conn).await?;
        self.decisions.write(conn).await?;
        append(conn, self.tenant, self.records).await
    }
}

/// Appends events to a tenant's hash chain in bulk.
async fn append(conn: &mut Conn, tenant: TenantId, records: Vec<(Actor, Entry)>) -> Result<()> {
    let sql = "update audit_head set seq = seq + 0 where tenant_id = $1 returning seq, hash";
    let mut head = unscoped_query!(*conn, Head, fetch_one, sql, tenant)?;
    let mut rows = Table::<12>::new(
        "audit (tenant_id, seq, at, action, outcome, person_id, target_kind, target_id, body, previous, hash, personal)",
    );
    for (actor, entry) in records {
        let body = entry.body();
        let seq = head.seq + 1;
        let hash = link(tenant, seq, &head.hash, &body);
        rows.push([
            tenant.into(),
            seq.into(),
            entry.record.at.0.into(),
            entry.record.action.into(),
            entry.record.outcome.as_str().to_owned().into(),
            Value::Uuid(actor.person().map(Column::raw)),
            entry.record.target.kind.into(),
            entry.record.target.id.into(),
            body.into(),
            head.hash.to_vec().into(),
            hash.to_vec().into(),
            Value::Text(entry.personal),
        ]);
        head = Head { seq, hash };
    }
    rows.write(conn).await?;
    let sql = "update audit_head set seq = $2, hash = $3 where tenant_id = $1";
    unscoped_query!(*conn, execute, sql, tenant, head.seq, head.hash)?;
    Ok(())
}

fn state(number: u32) -> TaskState {
    match number % UNFINISHED {
        0 => TaskState::AwaitingApproval,
        1 => TaskState::Queued,
        2 => TaskState::Assigned,
        3 => TaskState::Running,
        other => match other % 16 {
            0..=8 => TaskState::Succeeded,
            9 | 10 => TaskState::Failed,
            11 => TaskState::Cancelled,
            12 => TaskState::TimedOut,
            13 => TaskState::Denied,
            14 => TaskState::Expired,
            _ => TaskState::Lost,
        },
    }
}

fn submission(number: u32, organization: OrganizationId, required_approval: bool) -> Result<Submission> {
    let labels: BTreeMap<_, _> = [
        ("service", ["billing", "search", "mail", "shop"][usize::try_from(number % 4).unwrap_or(0)].to_owned()),
        ("batch", (number / 100).to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    let form: SubmissionForm = serde_json::from_value(json!({
        "script": format!("# {number}\ntrue"),
        "title": format!("Synthetic task {number}"),
        "visibility": Visibility::ALL[usize::try_from(number % 3).unwrap_or(0)],
        "network_policy": if required_approval { NetworkPolicy::Unrestricted } else { NetworkPolicy::Isolated },
        "labels": labels,
    }))
    .map_err(|_| Error::Corrupt("submission"))?;
    Ok(form.check(organization)?)
}

fn output(at: Timestamp, lines: i64) -> Vec<Line> {
    let text = |number| format!("line {number} of a synthetic task that says what such tasks say");
    (1..=lines).map(|number| Line::new(at, Stream::Stdout, text(number))).collect()
}

/// Returns the timestamp for an id, so that ids are as old as their rows.
fn uuid_timestamp(at: Timestamp) -> uuid::Timestamp {
    let micros = u32::try_from(at.0.rem_euclid(1_000_000)).unwrap_or(0);
    uuid::Timestamp::from_unix(NoContext, u64::try_from(at.seconds()).unwrap_or(0), micros * 1_000)
}

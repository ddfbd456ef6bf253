//! Changes of stored rows (D-04, X1), generated from the schema: a new column fails these tests until a signature or a digest covers it.
use crate::{
    consent::{approved, claim},
    passkey_approvals::{approve, demand, register},
    raw::Raw,
    world::{World, hash, holding, new_key, on_both, person, task},
};
use domain::{
    Actor, TaskId,
    approval::ApprovalState,
    policy::{CreateKey, CreateServiceAccount, ReadAudit, SetMembership, SetSelfApproval, SubmitTask},
    receipt::End,
    request::InputDigest,
    role::Role,
};
use store::Submitted;
use testkit::Authenticator;

/// Columns that a claim replaces or does not use, so that a changed value has no effect.
const UNUSED_BY_CLAIM: [&str; 11] = [
    "task.runner_id",
    "task.lease_until",
    "task.cancel_requested",
    "task.next_line",
    "task.output_bytes",
    "task.output_styles",
    "task.incomplete_lines",
    "task.started_at",
    "task.output_deleted_at",
    "task.result_deleted_at",
    "approval.reminder_at",
];

/// Columns that change while a task runs, when it ends, when retention deletes its output or result, and when people are reminded. The runner
/// signs what it reports of the end; see `domain::receipt`.
const OF_THE_RUN: [&str; 15] = [
    "task.runner_id",
    "task.lease_until",
    "task.cancel_requested",
    "task.next_line",
    "task.output_bytes",
    "task.output_styles",
    "task.incomplete_lines",
    "task.ending",
    "task.receipt",
    "task.receipt_signature",
    "task.started_at",
    "task.ended_at",
    "task.output_deleted_at",
    "task.result_deleted_at",
    "approval.reminder_at",
];

/// Columns that change when a started task returns to the queue. They are compared with the audit log.
const OF_THE_QUEUE: [&str; 4] = ["task.state", "task.queued_at", "approval.state", "approval.settled_at"];

/// Signatures, which a new grant key replaces. They are made of columns that the digest of an acknowledgment covers.
const SIGNATURES: [&str; 2] = ["task.judgment_signature", "decision.signature"];

/// The tables on which consent rests.
const TABLES: [&str; 4] = ["task", "task_label", "approval", "decision"];

/// Returns the table, the column and the type of each column.
async fn columns(raw: &mut Raw) -> Vec<(&'static str, String, String)> {
    let mut found = vec![];
    for table in TABLES {
        let columns = raw.columns(table).await.into_iter().filter(|column| column.table == table);
        found.extend(columns.map(|column| (table, column.name, column.kind)));
    }
    assert!(found.len() > 50, "{found:?}");
    found
}

/// Returns an SQL expression for another value of a column.
fn other_value(raw: &Raw, world: &World, column: &str, kind: &str) -> String {
    let acme = &world.acme;
    match (column, kind) {
        ("tenant_id", _) => raw.id(world.bolt.tenant.0),
        ("organization_id", _) => raw.id(acme.lab.0),
        ("owner_id" | "requester_id" | "person_id" | "responsible_id" | "key_creator_id", _) => {
            raw.id(acme.abe.person().unwrap().0)
        }
        ("visibility", _) => "'public'".into(),
        ("state", _) => "'expired'".into(),
        ("network", _) => "'isolated'".into(),
        ("answer", _) => "'deny'".into(),
        (_, "uuid") => raw.id(acme.tenant.0),
        (column, "blob") if column.ends_with("id") => raw.id(acme.tenant.0),
        (_, "blob") => "x'00'".into(),
        (_, "bytea") => "'\\x00'::bytea".into(),
        (column, "bigint") => format!("coalesce({column}, 0) + 1"),
        (column, "boolean") => format!("not {column}"),
        (column, _) => format!("coalesce({column}, '') || 'x'"),
    }
}

/// Returns the condition for the rows of one task.
pub fn rows_of(raw: &Raw, table: &str, task: &Submitted) -> String {
    let id = raw.id(task.id.0);
    match table {
        "task" => format!("id = {id}"),
        "decision" => format!("approval_id in (select id from approval where task_id = {id})"),
        _ => format!("task_id = {id}"),
    }
}

/// A service account of Olga's, who may decide its requests with her passkey.
pub struct Robot {
    key: Actor,
    device: Authenticator,
}

impl Robot {
    /// Creates it in a tenant that demands passkeys and permits decisions on own requests.
    pub async fn create(world: &World) -> Self {
        let (acme, olga, adam) = (&world.acme, &world.acme.olga, &world.acme.adam);
        demand(world, 1, true).await;
        let allow = SetSelfApproval { allowed: true };
        world.change(adam, async |w| w.set_self_approval(adam.may(allow)?).await).await.unwrap();
        let robot = CreateServiceAccount { name: "robot".into(), responsible: olga.person().unwrap() };
        let id = world.change(adam, async |w| w.create_service_account(adam.may(robot)?).await).await.unwrap();
        let member = SetMembership { organization: acme.ops, person: id, role: Role::Member };
        world.change(adam, async |w| w.set_membership(adam.may(member)?).await).await.unwrap();
        let robot = person(&world.store, acme.tenant, id).await;
        let new = CreateKey { responsible: olga.person(), ..new_key(&robot, "key", "tasks:*") };
        let key =
            world.change(olga, async |w| w.create_key(olga.may(new)?, "mk_r", hash("robot")).await).await.unwrap();
        let (device, _) = register(world, olga).await;
        Self { key: holding(&robot, key, "tasks:*"), device }
    }

    /// Submits a task that Olga approves with her passkey, so that no column of its rows is empty that a queued task can have.
    pub async fn approved(&self, world: &World, number: usize) -> Submitted {
        let olga = &world.acme.olga;
        let fields = serde_json::json!({
            "script": format!("echo {number}"), "network_policy": "unrestricted", "labels": { "service": "mail" },
        });
        let key = Some(format!("key-{number}"));
        let submission = SubmitTask { idempotency_key: key, ..task(world.acme.ops, fields) };
        let submitted = world.submit(&self.key, submission).await;
        let request = world.store.read(olga).await.unwrap().approval_of(submitted.id).await.unwrap().unwrap();
        assert_eq!(approve(world, olga, &request, &self.device).await.unwrap(), ApprovalState::Approved);
        submitted
    }
}

/// Removes the rows of a task that did not start.
async fn forget(raw: &mut Raw, task: &Submitted) {
    let id = raw.id(task.id.0);
    raw.run(&format!("update task set state = 'lost' where id = {id}")).await.unwrap();
    for table in ["task_label", "task_word", "decision", "approval", "task"] {
        let rows = rows_of(raw, table, task);
        drop(raw.run(&format!("delete from {table} where {rows}")).await);
    }
}

/// Changes each column of an approved task. `approve` makes one for each.
async fn no_changed_column_runs(world: &World, approve: impl AsyncFn(usize) -> Submitted) {
    let mut raw = Raw::of(world).await;
    let (mut refused, mut ran) = (0, vec![]);
    for (number, (table, column, kind)) in columns(&mut raw).await.into_iter().enumerate() {
        let task = approve(number).await;
        let (value, rows) = (other_value(&raw, world, &column, &kind), rows_of(&raw, table, &task));
        let changed = raw.run(&format!("update {table} set {column} = {value} where {rows}")).await;
        // A foreign key, or a tenant that does not contain the task, refuses the change itself.
        match (changed, claim(world).await) {
            (Ok(1), Some(assignment)) => {
                assert_eq!(assignment.request_digest, task.request_digest);
                ran.push(format!("{table}.{column}"));
            }
            (Ok(1), None) => refused += 1,
            (changed, claimed) => assert!(changed.is_err() && claimed.is_some(), "{table}.{column}"),
        }
        forget(&mut raw, &task).await;
    }
    assert_eq!(ran, UNUSED_BY_CLAIM);
    assert!(refused > 35, "{refused} changes were refused");
    let good = approve(1_000).await;
    assert_eq!(claim(world).await.unwrap().lease.task, good.id, "an unchanged task still runs");
}

/// Claims and ends the task, and copies its rows.
async fn run_and_keep(world: &World, raw: &mut Raw, task: &Submitted) {
    let rex = &world.acme.rex;
    let taken = world.claim(rex).await.unwrap();
    assert_eq!(taken.lease.task, task.id);
    world.start(rex, taken.lease).await;
    world.finish(rex, &taken, End::Exited(0)).await.unwrap();
    for table in TABLES {
        raw.run(&format!("create table kept_{table} as select * from {table}")).await.unwrap();
        assert_eq!(raw.number(&format!("select count(*) from {table}")).await, 1, "{table}");
    }
}

/// Returns the starts that `castellan audit verify` reports, with the digest that an acknowledgment covers.
async fn unexplained(world: &World) -> Vec<(TaskId, InputDigest)> {
    let console = &world.acme.console;
    let proof = console.may(ReadAudit).unwrap();
    let starts = world.store.write(console).await.unwrap().verify_starts(&proof, None, 100).await.unwrap();
    starts.unexplained.into_iter().map(|start| (start.task, start.rows)).collect()
}

/// Changes each column of the only task and compares what is found with what was found before. Returns the columns whose change makes
/// no difference.
async fn unnoticed(world: &World, raw: &mut Raw) -> Vec<String> {
    let before = unexplained(world).await;
    let (mut noticed, mut unnoticed) = (0, vec![]);
    for (table, column, kind) in columns(raw).await {
        let value = other_value(raw, world, &column, &kind);
        if raw.run(&format!("update {table} set {column} = {value}")).await.is_err() {
            continue; // a foreign key
        }
        match unexplained(world).await == before {
            true => unnoticed.push(format!("{table}.{column}")),
            false => noticed += 1,
        }
        raw.run(&format!("update {table} set {column} = (select {column} from kept_{table})")).await.unwrap();
        assert_eq!(unexplained(world).await, before, "{table}.{column} is restored");
    }
    assert!(noticed > 25, "{noticed} changes were noticed");
    unnoticed
}

on_both! {
    async fn x1_a_task_with_any_changed_column_does_not_run(world) {
        no_changed_column_runs(world, async |number| approved(world, number).await).await;
    }

    async fn x1_x19_an_own_request_with_a_passkey_and_any_changed_column_does_not_run(world) {
        let robot = Robot::create(world).await;
        no_changed_column_runs(world, async |number| robot.approved(world, number).await).await;
    }

    async fn x1_a_start_without_consent_is_found_afterwards(world) {
        let (mut raw, robot) = (Raw::of(world).await, Robot::create(world).await);
        let task = robot.approved(world, 1).await;
        run_and_keep(world, &mut raw, &task).await;
        assert_eq!(unexplained(world).await, []);
        assert_eq!(unnoticed(world, &mut raw).await, OF_THE_RUN);
        raw.run("delete from decision").await.unwrap();
        assert_eq!(unexplained(world).await.len(), 1);
    }

    async fn x1_an_acknowledgment_of_another_state_covers_that_state_only(world) {
        let (mut raw, robot) = (Raw::of(world).await, Robot::create(world).await);
        let task = robot.approved(world, 1).await;
        run_and_keep(world, &mut raw, &task).await;
        raw.run("update task set state = 'failed'").await.unwrap();
        let before = unexplained(world).await;
        assert_eq!(before.len(), 1);
        raw.run("update task set state = 'lost'").await.unwrap();
        let after = unexplained(world).await;
        assert!(after.len() == 1 && after != before);
    }

    async fn x1_an_acknowledgment_covers_every_column_of_a_start(world) {
        let (mut raw, robot) = (Raw::of(world).await, Robot::create(world).await);
        let task = robot.approved(world, 1).await;
        run_and_keep(world, &mut raw, &task).await;
        // The audit log has one attempt, so that the start is not explained whatever else is changed.
        for table in ["task", "kept_task"] {
            raw.run(&format!("update {table} set attempt = 2")).await.unwrap();
        }
        assert_eq!(unexplained(world).await.iter().map(|(task, _)| *task).collect::<Vec<_>>(), [task.id]);
        let mut expected = [&OF_THE_RUN[..], &OF_THE_QUEUE, &SIGNATURES].concat();
        let mut found = unnoticed(world, &mut raw).await;
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected);
    }
}

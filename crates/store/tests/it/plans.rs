//! Query plans: every statement that a page or a runner waits for uses an index.
use crate::{
    capture,
    raw::Raw,
    walls::{Resources, matrix},
    world::World,
};
use domain::{
    EventId, OrganizationId, PersonId, Timestamp, anomalies::AnomalyKind, audit::Outcome, policy::ReadAudit,
    security::SecurityEvent, task::TaskState,
};
use store::{AnomalyFilter, ApprovalFilter, AuditFilter, TaskFilter};

/// Tables that grow without bound, with their aliases in statements.
const LARGE: &[&str] = &[
    "task",
    "t",
    "audit",
    "approval",
    "a",
    "browser_session",
    "passkey",
    "recovery_code",
    "account_event",
    "known_device",
    "known_network",
    "n",
    "failure_count",
    "anomaly",
    "u",
    "key_network",
    "key_hour",
    "daily_usage",
    "task_log",
    "b",
    "task_label",
    "l",
    "task_word",
    "w",
    "decision",
    "d",
    "invitation",
    "i",
    "join_request",
    "j",
    "api_key",
    "k",
    "review_item",
    "i",
    "account_hold",
    "h",
    "confirmation",
    "c",
    "former_role",
    "notification",
    "webhook_delivery",
];

/// Endings of paginated list statements.
const LISTS: &[&str] = &[
    "order by t.id desc limit",
    "order by t.id limit",
    "order by l.task_id desc limit",
    "order by l.task_id limit",
    "order by a.id desc limit",
    "order by seq desc limit",
    "order by u.id desc limit",
    "order by n.id desc limit",
    "order by d.id desc limit",
];

/// Returns the problem with PostgreSQL's plan for a statement, if any: a full scan or a sort of a large table. The plan is
/// generic, as in the store.
async fn complaint_of_postgres(raw: &mut Raw, sql: &str) -> Option<String> {
    let values = (1..).take_while(|number| sql.contains(&format!("${number}")));
    // Such a statement does not give the type of a nullable value. All of them are ids.
    let typed = |number| if sql.contains(&format!("${number} is null")) { "uuid" } else { "unknown" };
    let (types, nulls): (Vec<_>, Vec<_>) = values.map(|number: i32| (typed(number), "null")).unzip();
    let prepared = raw.run(&format!("prepare planned ({}) as {sql}", types.join(", "))).await;
    prepared.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let steps = raw.texts(&format!("explain (costs off) execute planned ({})", nulls.join(", "))).await;
    raw.run("deallocate planned").await.unwrap();
    let scans = |step: &String| {
        let table = step.split_once("Seq Scan on ").and_then(|(_, rest)| rest.split(' ').next());
        table.is_some_and(|table| LARGE.contains(&table))
    };
    let sorts = |step: &String| step.contains("Sort Key: ") && LISTS.iter().any(|list| sql.contains(list));
    // All rows of a tenant are as many as all rows.
    let reads_all = |pair: &[String]| {
        let table = pair[0].split_once(" Scan using ").and_then(|(_, rest)| rest.split(' ').nth(2));
        let whole = pair[1].trim_start().strip_prefix("Index Cond: ");
        let whole = whole.is_some_and(|cond| cond.ends_with("tenant_id = $1)") && !cond.contains(" AND "));
        whole && table.is_some_and(|table| LARGE.contains(&table)) && !sql.contains("limit") && !is_meant(sql)
    };
    let wrong = steps.iter().any(|step| scans(step) || sorts(step)) || steps.windows(2).any(reads_all);
    wrong.then(|| steps.join("\n    "))
}

/// Whether a statement affects all rows of a tenant on purpose, as ending all sessions does.
fn is_meant(sql: &str) -> bool {
    sql.starts_with("delete from browser_session where tenant_id = $1 and ($2 is null")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_scans_no_large_table_sequentially() {
    let world = World::postgres().await;
    let (mut raw, mut statements) = capture_statements(&world).await;
    statements.retain(|sql| sql.contains("$1")); // nothing to prepare without a value
    raw.run("analyze").await.unwrap();
    for setting in
        ["plan_cache_mode = force_generic_plan", "enable_seqscan = off", "enable_sort = off", "enable_bitmapscan = off"]
    {
        raw.run(&format!("set {setting}")).await.unwrap();
    }
    let mut wrong = vec![];
    for sql in &statements {
        if let Some(plan) = complaint_of_postgres(&mut raw, sql).await {
            wrong.push(format!("{sql}\n    {plan}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Calls every method of the matrix, and the lists with each of their filters.
async fn run_everything(world: &World, resources: &Resources) {
    let acme = &world.acme;
    for row in matrix() {
        for (_, actor) in acme.every_role() {
            drop((row.call)(world, actor, resources).await);
        }
    }
    let organization: Option<OrganizationId> = Some(acme.ops);
    let person: Option<PersonId> = acme.mia.person();
    let mut read = world.store.read(&acme.mia).await.unwrap();
    let after = read.tasks(&TaskFilter::default(), None, 1).await.unwrap().next.unwrap().parse().unwrap();
    for filter in [
        TaskFilter { states: vec![TaskState::Succeeded], ..Default::default() },
        TaskFilter { organization, ..Default::default() },
        TaskFilter { mine: true, ..Default::default() },
        TaskFilter { label: Some(("service".into(), "mail".into())), ..Default::default() },
        TaskFilter { text: Some("task".into()), ..Default::default() },
        TaskFilter { text: Some("synthetic 177".into()), ..Default::default() },
        TaskFilter { text: Some("task".into()), label: Some(("service".into(), "mail".into())), ..Default::default() },
        TaskFilter { text: Some("177".into()), label: Some(("service".into(), "mail".into())), ..Default::default() },
    ] {
        read.tasks(&filter, None, 50).await.unwrap();
        read.tasks(&filter, Some(after), 50).await.unwrap();
        read.tasks_newer(&filter, after, 50).await.unwrap();
        read.task_counts(&filter).await.unwrap();
    }
    let waiting = ApprovalFilter { state: Some(domain::approval::ApprovalState::Waiting), organization };
    read.approvals(&waiting, None, 50).await.unwrap();
    read.approval_counts(&waiting).await.unwrap();
    read.approval_counts(&ApprovalFilter::default()).await.unwrap();
    drop(read);
    let proof = acme.adam.may(ReadAudit).unwrap();
    let mut read = world.store.read(&acme.adam).await.unwrap();
    for filter in [
        AuditFilter { action: Some("task.submit".into()), ..Default::default() },
        AuditFilter { person, ..Default::default() },
        AuditFilter { target: Some("x".into()), ..Default::default() },
        AuditFilter { outcome: Some(Outcome::Refused), ..Default::default() },
        AuditFilter { outcome: Some(Outcome::Done), ..Default::default() },
        AuditFilter { event: Some(SecurityEvent::SessionCreation), ..Default::default() },
        AuditFilter { since: Some(Timestamp(0)), until: Some(Timestamp(1)), ..Default::default() },
    ] {
        read.audit(&proof, filter, None, 50).await.unwrap();
    }
    for filter in [
        AnomalyFilter { kind: Some(AnomalyKind::SignIn), ..Default::default() },
        AnomalyFilter { person, ..Default::default() },
        AnomalyFilter { new: true, ..Default::default() },
    ] {
        read.anomalies(&proof, filter, Some(EventId(uuid::Uuid::max())), 50).await.unwrap();
    }
    drop(read);
    let system = world.store.system();
    system.next_due().await.unwrap();
    system.run_due_work().await.unwrap();
    system.figures().await.unwrap();
    system.next_delivery().await.unwrap();
    system.take_delivery().await.unwrap();
    world.store.set_queue_expiry(std::time::Duration::from_hours(10_000));
    system.next_due().await.unwrap();
    system.run_due_work().await.unwrap();
    system.session([0; 32], std::time::Duration::from_mins(1)).await.unwrap();
    system.key([0; 32]).await.unwrap();
    system.invitation([0; 32]).await.unwrap();
    system.passkey_holder(&[0; 16]).await.unwrap();
    system.create_ceremony([0; 32], "{}").await.unwrap();
    system.take_ceremony([0; 32]).await.unwrap();
    system.holder(acme.tenant, person.unwrap()).await.unwrap();
}

/// Returns the problem with SQLite's plan for a statement, if any.
async fn complaint(raw: &mut Raw, sql: &str) -> Option<String> {
    let Raw::Sqlite(connection) = raw else { unreachable!() };
    let explain = sqlx::AssertSqlSafe(format!("explain query plan {sql}"));
    let steps: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(connection).await.ok()?;
    let steps: Vec<_> = steps.into_iter().map(|(.., step)| step).collect();
    // The result of a limited subquery is no table, whatever its alias.
    let inner: Vec<_> = steps.iter().filter_map(|step| step.strip_prefix("CO-ROUTINE ")).collect();
    let is_large = |name: &str| LARGE.contains(&name) && !inner.contains(&name);
    // A count with a limit reads a part of a partial index.
    let is_limited_count = |step: &str| step.contains(" INDEX ") && sql.contains(" limit $1) counted");
    let scans = |step: &String| {
        let scan = step.strip_prefix("SCAN ").filter(|step| !is_limited_count(step));
        scan.is_some_and(|rest| is_large(rest.split(' ').next().unwrap()))
    };
    // Lists in the order of ids are read in index order: a page costs the same among ten rows and a million.
    let sorts =
        |step: &String| LISTS.iter().any(|list| sql.contains(list)) && step.contains("TEMP B-TREE FOR ORDER BY");
    // All rows of a tenant are as many as all rows.
    let reads_all = |step: &String| {
        let table = step.strip_prefix("SEARCH ").and_then(|rest| rest.split(' ').next());
        table.is_some_and(is_large) && step.ends_with("(tenant_id=?)") && !sql.contains("limit") && !is_meant(sql)
    };
    steps.iter().any(|step| scans(step) || sorts(step) || reads_all(step)).then(|| steps.join(" / "))
}

/// Returns the statements run against a large database, and a direct connection to it.
async fn capture_statements(world: &World) -> (Raw, Vec<String>) {
    let resources = Resources::create_in(world, &world.acme).await;
    world.store.system().seed(world.acme.tenant, 2_000).await.unwrap();
    let mut raw = Raw::of(world).await;
    fill(&mut raw).await;
    capture::start();
    run_everything(world, &resources).await;
    let mut statements = capture::statements();
    statements.retain(|sql| sql.contains("$1") || sql.contains("min("));
    assert!(statements.len() > 80, "only {} statements were captured", statements.len());
    (raw, statements)
}

/// Fills every table with enough rows for an index to be worthwhile.
async fn fill(raw: &mut Raw) {
    let (new_id, new_hash) = match raw {
        Raw::Sqlite(_) => ("randomblob(16)", "randomblob(32)"),
        Raw::Postgres(_) => ("gen_random_uuid()", "sha256(cast(cast(gen_random_uuid() as text) as bytea))"),
    };
    for (table, columns, values, each) in [
        (
            "browser_session",
            "id, token_hash, person_id, signed_in_by, second_factor_verified, authenticated_at, device, address, created_at, last_used_at, expires_at",
            "NEW_ID, NEW_HASH, id, 'password', false, n, '', '', n, n, 9e15 + n",
            "person",
        ),
        (
            "api_key",
            "id, owner_id, name, prefix, token_hash, scopes, created_at",
            "NEW_ID, id, '', '', NEW_HASH, 'tasks:read', n",
            "person",
        ),
        (
            "passkey",
            "person_id, id, name, credential_id, body, public_key, relying_party, created_at",
            "id, NEW_ID, '', NEW_HASH, '{}', NEW_HASH, '', n",
            "person",
        ),
        ("recovery_code", "person_id, code_hash, created_at", "id, NEW_HASH, n", "person"),
        (
            "account_event",
            "person_id, id, happened, detail, address, created_at",
            "id, NEW_ID, 'totp_added', '', '', n",
            "person",
        ),
        ("known_device", "person_id, token_hash, last_used_at", "id, NEW_HASH, n", "person"),
        ("known_network", "person_id, network, last_used_at", "id, '10.0.' || n || '.0/24', n", "person"),
        ("failure_count", "person_id, network, span, failures", "id, '10.0.' || n || '.0/24', n, 1", "person"),
        (
            "anomaly",
            "person_id, id, kind, subject, span, notify_id, times, address, network, facts, first_at, last_at",
            r#"id, NEW_ID, 'guessing', name || n, n, id, 1, '', '', '{"kind":"key_silent","days":90}', n, n"#,
            "person",
        ),
        (
            "invitation",
            "id, organization_id, token_hash, role, mailed, inviter_id, uses, used, created_at, expires_at",
            "NEW_ID, organization_id, NEW_HASH, 'member', false, person_id, 1, 0, n, 9e15 + n",
            "membership",
        ),
        (
            "join_request",
            "id, organization_id, person_id, reason, state, answer, created_at",
            "NEW_ID, organization_id, person_id, '', 'declined', '', n",
            "membership",
        ),
        (
            "notification",
            "id, person_id, event, subject_id, in_inbox, mail_id, mail_at, created_at",
            "NEW_ID, id, 'task.ended', NEW_ID, true, NEW_ID, n, n",
            "person",
        ),
        (
            "webhook_delivery",
            "id, webhook_id, event, items, state, attempts, next_at, result, created_at",
            "NEW_ID, id, 'test', '[]', 'waiting', 0, 9e15 + n, '', n",
            "webhook",
        ),
        ("account_hold", "person_id, maker_id, cause, created_at, expires_at", "id, id, 'role', n, 9e15 + n", "person"),
        (
            "confirmation",
            "id, change, person_id, requester_id, state, created_at, expires_at",
            "NEW_ID, cast(NEW_ID as text), id, id, 'waiting', n, 9e15 + n",
            "person",
        ),
        ("former_role", "id, person_id, role, ended_at", "NEW_ID, id, 'approver', n", "person"),
        ("key_network", "key_id, network, last_used_at", "id, '10.0.' || n || '.0/24', 9e15 + n", "api_key"),
        ("daily_usage", "day, person_id, tasks, bytes", "9000000 + n, id, n, n", "person"),
        ("key_hour", "key_id, hour, tasks", "id, 9000000 + n, n", "api_key"),
    ] {
        let values = values.replace("NEW_ID", new_id).replace("NEW_HASH", new_hash);
        raw.run(&format!(
            "with recursive x(n) as (select 1 union all select n + 1 from x where n < 50)
             insert into {table} (tenant_id, {columns}) select tenant_id, {values} from {each} cross join x"
        ))
        .await
        .unwrap();
    }
}

/// The plans below are explained without values, so they must hold for every value; and no statement is prepared twice.
#[tokio::test]
async fn a_statement_is_planned_from_its_text_alone() {
    let world = World::sqlite().await;
    let sql = "select count(*) from pragma_compile_options where compile_options = 'ENABLE_QPSG'";
    assert_eq!(Raw::of(&world).await.number(sql).await, 1, "SQLite is built with the flags in .cargo/config.toml");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_scans_a_large_table_sequentially() {
    let world = World::sqlite().await;
    let (mut raw, statements) = capture_statements(&world).await;
    let mut wrong = vec![];
    // Planner statistics: none, misleading, complete.
    for known in ["select 1", "pragma analysis_limit = 100; analyze", "pragma analysis_limit = 0; analyze"] {
        raw.run(known).await.unwrap();
        for sql in &statements {
            if let Some(plan) = complaint(&mut raw, sql).await {
                wrong.push(format!("{sql}\n    {plan} (after {known})"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

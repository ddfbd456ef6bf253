//! Every statement that a page or a runner waits for finds its rows by an index.
use crate::{
    capture,
    raw::Raw,
    walls::{Things, matrix},
    world::World,
};
use domain::{
    EventId, OrganisationId, PersonId, Timestamp, audit::Outcome, policy::ReadAudit, security::SecurityEvent,
    task::TaskState, unusual::Unusual,
};
use store::{ApprovalFilter, AuditFilter, TaskFilter, UnusualFilter};

/// Tables that grow without bound, with the names that statements give them.
const LARGE: &[&str] = &[
    "task",
    "t",
    "audit",
    "approval",
    "a",
    "session",
    "passkey",
    "recovery_code",
    "account_event",
    "known_device",
    "known_network",
    "n",
    "failure_count",
    "unusual",
    "u",
    "key_network",
    "key_hour",
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
];

/// What lists that are read a page at a time end with.
const LISTS: &[&str] = &[
    "order by t.id desc limit",
    "order by t.id limit",
    "order by l.task_id desc limit",
    "order by l.task_id limit",
    "order by a.id desc limit",
    "order by seq desc limit",
    "order by u.id desc limit",
];

/// Calls every method of the matrix, and the lists with each of their filters.
async fn run_everything(world: &World, things: &Things) {
    let acme = &world.acme;
    for row in matrix() {
        for (_, actor) in acme.everybody() {
            drop((row.call)(world, actor, things).await);
        }
    }
    let organisation: Option<OrganisationId> = Some(acme.ops);
    let person: Option<PersonId> = acme.mia.person();
    let mut read = world.store.read(&acme.mia).await.unwrap();
    let after = read.tasks(&TaskFilter::default(), None, 1).await.unwrap().next.unwrap().parse().unwrap();
    for filter in [
        TaskFilter { states: vec![TaskState::Succeeded], ..Default::default() },
        TaskFilter { organisation, ..Default::default() },
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
    let waiting = ApprovalFilter { state: Some(domain::approval::ApprovalState::Waiting), organisation };
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
        UnusualFilter { kind: Some(Unusual::SignIn), ..Default::default() },
        UnusualFilter { person, ..Default::default() },
        UnusualFilter { new: true, ..Default::default() },
    ] {
        read.unusual(&proof, filter, Some(EventId(uuid::Uuid::max())), 50).await.unwrap();
    }
    drop(read);
    let system = world.store.system();
    system.next_due().await.unwrap();
    system.do_due().await.unwrap();
    system.session([0; 32], std::time::Duration::from_secs(60)).await.unwrap();
    system.key([0; 32]).await.unwrap();
    system.invitation([0; 32]).await.unwrap();
    system.passkey_holder(&[0; 16]).await.unwrap();
    system.begin_ceremony([0; 32], "{}").await.unwrap();
    system.take_ceremony([0; 32]).await.unwrap();
    system.holder(acme.tenant, person.unwrap()).await.unwrap();
}

/// What is wrong with the plan that SQLite makes for a statement.
async fn complaint(raw: &mut Raw, sql: &str) -> Option<String> {
    let Raw::Sqlite(connection) = raw else { unreachable!() };
    let explain = sqlx::AssertSqlSafe(format!("explain query plan {sql}"));
    let steps: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(connection).await.ok()?;
    let steps: Vec<_> = steps.into_iter().map(|(.., step)| step).collect();
    // What a limited inner statement gives is no table, whatever it is called.
    let inner: Vec<_> = steps.iter().filter_map(|step| step.strip_prefix("CO-ROUTINE ")).collect();
    let is_large = |name: &str| LARGE.contains(&name) && !inner.contains(&name);
    let scans =
        |step: &String| step.strip_prefix("SCAN ").is_some_and(|rest| is_large(rest.split(' ').next().unwrap()));
    // Lists in the order of their ids are read in the order of an index: a page costs the same among ten and a million.
    let sorts =
        |step: &String| LISTS.iter().any(|list| sql.contains(list)) && step.contains("TEMP B-TREE FOR ORDER BY");
    // Everything of a tenant is as much as everything.
    let reads_all = |step: &String| {
        let table = step.strip_prefix("SEARCH ").and_then(|rest| rest.split(' ').next());
        let is_meant = sql.starts_with("delete from session where tenant_id = $1 and ($2 is null");
        table.is_some_and(is_large) && step.ends_with("(tenant_id=?)") && !sql.contains("limit") && !is_meant
    };
    steps.iter().any(|step| scans(step) || sorts(step) || reads_all(step)).then(|| steps.join(" / "))
}

/// What is explained below without values is then what is done with every value; and nothing is planned twice.
#[tokio::test]
async fn a_statement_is_planned_by_its_words_alone() {
    let world = World::sqlite().await;
    let sql = "select count(*) from pragma_compile_options where compile_options = 'ENABLE_QPSG'";
    assert_eq!(Raw::of(&world).await.number(sql).await, 1, "SQLite is built with the flags in .cargo/config.toml");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_reads_a_large_table_from_end_to_end() {
    let world = World::sqlite().await;
    let things = Things::in_house(&world, &world.acme).await;
    world.store.system().seed(world.acme.tenant, 2_000).await.unwrap();
    let mut raw = Raw::of(&world).await;
    raw.run(
        "with recursive x(n) as (select 1 union all select n + 1 from x where n < 50)
         insert into session (tenant_id, id, token_hash, person_id, signed_in_by, vouched, proved_at, device, address, created_at, last_used_at,
            expires_at)
         select tenant_id, randomblob(16), randomblob(32), id, 'password', false, n, '', '', n, n, 9e15 + n from person join x",
    )
    .await
    .unwrap();
    raw.run(
        "with recursive x(n) as (select 1 union all select n + 1 from x where n < 50)
         insert into api_key (tenant_id, id, owner_id, name, prefix, token_hash, scopes, created_at)
         select tenant_id, randomblob(16), id, '', '', randomblob(32), 'tasks:read', n from person join x",
    )
    .await
    .unwrap();
    for (table, columns, values) in [
        ("passkey", "id, name, credential_id, body, created_at", "randomblob(16), '', randomblob(16), '{}', n"),
        ("recovery_code", "code_hash, created_at", "randomblob(32), n"),
        ("account_event", "id, happened, detail, address, created_at", "randomblob(16), 'totp_added', '', '', n"),
        ("known_device", "token_hash, last_used_at", "randomblob(32), n"),
        ("known_network", "network, last_used_at", "'10.0.' || n || '.0/24', n"),
        ("failure_count", "network, span, failures", "'10.0.' || n || '.0/24', n, 1"),
        (
            "unusual",
            "id, kind, subject, span, told_id, times, address, network, facts, first_at, last_at",
            r#"randomblob(16), 'guessing', hex(id), n, id, 1, '', '', '{"kind":"key_silent","days":90}', n, n"#,
        ),
    ] {
        raw.run(&format!(
            "with recursive x(n) as (select 1 union all select n + 1 from x where n < 50)
             insert into {table} (tenant_id, person_id, {columns}) select tenant_id, id, {values} from person join x"
        ))
        .await
        .unwrap();
    }
    for (table, columns, values) in [
        (
            "invitation",
            "token_hash, role, mailed, inviter_id, uses, used, created_at, expires_at",
            "randomblob(32), 'member', false, person_id, 1, 0, n, 9e15 + n",
        ),
        ("join_request", "person_id, reason, state, answer, created_at", "person_id, '', 'declined', '', n"),
    ] {
        raw.run(&format!(
            "with recursive x(n) as (select 1 union all select n + 1 from x where n < 50)
             insert into {table} (tenant_id, id, organisation_id, {columns})
             select tenant_id, randomblob(16), organisation_id, {values} from membership join x"
        ))
        .await
        .unwrap();
    }
    for (table, columns, values) in [
        ("key_network", "network, last_used_at", "'10.0.' || n || '.0/24', 9e15 + n"),
        ("key_hour", "hour, tasks", "9000000 + n, n"),
    ] {
        raw.run(&format!(
            "with recursive x(n) as (select 1 union all select n + 1 from x where n < 20)
             insert into {table} (tenant_id, key_id, {columns}) select tenant_id, id, {values} from api_key join x"
        ))
        .await
        .unwrap();
    }
    capture::listen();
    run_everything(&world, &things).await;
    let statements: Vec<_> =
        capture::heard().into_iter().filter(|sql| sql.contains("$1") || sql.contains("min(")).collect();
    assert!(statements.len() > 80, "only {} statements were heard", statements.len());
    let mut wrong = vec![];
    // What a planner knows of the rows: nothing, something that misleads it, everything.
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

//! Migration of a deployment from SQLite to PostgreSQL (D-12).
use super::begin;
use crate::{client::Credential, program::Program};
use std::time::Duration;
use testkit::Database;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_a_deployment_moves_to_postgresql_with_people_sessions_and_tasks() {
    let mut program = Program::sqlite();
    let adam = begin(&mut program).await;
    let browser = program.sign_in(&adam.email).await;
    let task = program.submit(&adam.key, "echo before the move").await;
    program.until_succeeded(&adam.key, &task).await;
    program.stop(Duration::from_secs(10)).await;

    let (to, from) = (Database::postgres(), format!("sqlite:{}", program.data().join("castellan.db").display()));
    let half = program.run(&["migrate", "--from", &from], "");
    assert!(!half.status.success() && String::from_utf8_lossy(&half.stderr).contains("--to"), "{half:?}");
    let message = program.cli(&["migrate", "--from", &from, "--to", &to.url], "");
    assert!(message.contains("copied and compared") && message.contains("All data is in PostgreSQL"), "{message}");
    let back = program.run(&["migrate", "--from", &to.url, "--to", &from], "");
    let why = String::from_utf8_lossy(&back.stderr);
    assert!(!back.status.success() && why.contains("from SQLite to PostgreSQL only"), "{why}");

    program.set("CASTELLAN_DATABASE_URL", &to.url);
    let verdict = program.cli(&["audit", "verify"], "");
    assert!(verdict.contains("events verified"), "{verdict}");
    program.start().await;
    let page = program.get(Credential::Browser(&browser), &format!("/tasks/{task}")).await.is(200);
    assert!(page.body.contains("before the move"), "the session and the task are there: {page}");
    assert_eq!(program.printed(&adam.key, &task).await, "before the move\n");
    assert_eq!(program.audit(&adam.key, Some("database.transfer")).await.len(), 1);
    let next = program.submit(&adam.key, "echo after it").await;
    program.until_succeeded(&adam.key, &next).await;
    program.stop(Duration::from_secs(10)).await;
}

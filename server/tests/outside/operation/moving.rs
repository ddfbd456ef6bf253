//! Moves from SQLite to PostgreSQL: not beside a server, and neither database is served while the copy is incomplete.
use super::failure;
use crate::{program::Program, recovery::begin, timeouts::DEFAULT_TIMEOUT};
use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};
use testkit::{ADAM, Database};

fn source(program: &Program) -> String {
    format!("sqlite:{}", program.data().join("castellan.db").display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_a_move_beside_a_running_server_is_refused() {
    let mut program = Program::sqlite();
    let adam = begin(&mut program).await;
    let (to, from) = (Database::postgres(), source(&program));
    let migrate = ["migrate", "--from", &from, "--to", &to.url];
    let text = failure(&program.run(&migrate, ""));
    assert!(text.contains("Stop the server first") && text.contains("nothing was changed"), "{text}");
    assert!(failure(&program.run(&["migrate", "--return"], "")).contains("Stop the server first"));
    assert!(program.startup_error().await.contains("Stop the server first"), "one server at a time");
    let task = program.submit(&adam.key, "true").await;
    program.until_succeeded(&adam.key, &task).await;
    program.stop(DEFAULT_TIMEOUT).await;
    assert!(failure(&program.run(&["migrate", "--return"], "")).contains("were not moved"));
    program.cli(&migrate, "");

    // The moved database accepts nothing that PostgreSQL would never get.
    let text = program.startup_error().await;
    assert!(text.contains("were moved to PostgreSQL") && text.contains("CASTELLAN_DATABASE_URL"), "{text}");
    assert!(failure(&program.run(&["admin", "create-tenant", "--name", "late"], "")).contains("were moved"));
    program.cli(&migrate, ""); // compares again
    program.cli(&["migrate", "--return"], "");
    program.start().await;
    assert_eq!(program.audit(&adam.key, Some("database.return")).await.len(), 1);
    program.submit(&adam.key, "true").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_an_interrupted_move_is_not_served_and_resumes() {
    let mut program = Program::sqlite();
    program.tenant("acme");
    let adam = program.person(ADAM, "acme");
    program.cli(&["dev", "seed", "--tasks", "4000"], "");
    let (to, from) = (Database::postgres(), source(&program));
    let migrate = ["migrate", "--from", &from, "--to", &to.url];
    let mut child = program.command(&migrate).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("person ")), "it copies");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(lines.all(|line| !line.starts_with("audit_head ")), "it was interrupted");

    program.set("CASTELLAN_DATABASE_URL", &to.url);
    let text = program.startup_error().await;
    assert!(text.contains("was interrupted") && text.contains("castellan migrate --from"), "{text}");
    assert!(failure(&program.run(&["admin", "create-tenant", "--name", "late"], "")).contains("was interrupted"));
    let text = program.cli(&migrate, "");
    assert!(text.contains("All data is in PostgreSQL"), "{text}");
    program.start().await;
    program.submit(&adam.key, "true").await;
}

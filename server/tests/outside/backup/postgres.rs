//! Backups on PostgreSQL with its own tools, as the guide describes them.
use super::{failure, verify};
use crate::{client::Credential, program::Program, recovery::begin, timeouts::DEFAULT_TIMEOUT};
use std::process::{Command, Output};
use testkit::Database;

/// Runs a tool of PostgreSQL as the role of the deployment, which sees all tenants.
fn tool(name: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(name);
    command.env("PGOPTIONS", "-c castellan.system=on").args(arguments).output().expect("it comes with PostgreSQL")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_13_a_dump_of_postgresql_is_restored_and_recorded() {
    let mut program = Program::postgres();
    program.configure("[local_runner]\nenabled = false\n");
    let adam = begin(&mut program).await;
    for command in [&["backup", "backup.tar"][..], &["restore", "castellan.toml", "--reason", "x"]] {
        let text = failure(&program.run(command, ""));
        assert!(text.contains("pg_dump") && text.contains("Backup and restore"), "{text}");
    }
    let before = program.submit(&adam.key, "true").await;
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("castellan.dump").display().to_string();
    let url = program.database_url().unwrap().to_owned();
    let dumped = tool("pg_dump", &["--enable-row-security", "--format=custom", "--file", &dump, &url]);
    assert!(dumped.status.success(), "{dumped:?}");
    let after = program.submit(&adam.key, "true").await;
    program.stop(DEFAULT_TIMEOUT).await;

    let empty = Database::postgres();
    let restored = tool("pg_restore", &["--no-owner", "--exit-on-error", "--dbname", &empty.url, &dump]);
    assert!(restored.status.success(), "{restored:?}");
    program.set("CASTELLAN_DATABASE_URL", &empty.url);
    let text = program.startup_error().await;
    assert!(text.contains("castellan restore --reason"), "{text}");
    program.cli(&["restore", "--reason", "Disk failure"], "");
    program.start().await;
    for (task, status) in [(&before, 200), (&after, 404)] {
        program.get(Credential::Key(&adam.key), &format!("/api/v1/tasks/{task}")).await.is(status);
    }
    assert_eq!(program.audit(&adam.key, Some("audit.restore")).await.len(), 1);
    program.stop(DEFAULT_TIMEOUT).await;
    assert_eq!(verify(&program, &[]).0, 0);
    drop(program);
}

//! PostgreSQL databases that cannot be used: wrong addresses, roles without walls, standbys and read-only databases.
use crate::{
    client::Credential,
    people::start_with_member,
    ports::reserve_port,
    program::Program,
    timeouts::{DEFAULT_TIMEOUT, until},
    torture::cluster::Cluster,
};
use std::{fs, time::Duration};
use testkit::psql;
use tokio::time::Instant;

/// Runs a statement about the deployment's database, named `DATABASE` in it, as the superuser of the test cluster.
fn alter(program: &Program, statement: &str) {
    let url = program.database_url().unwrap();
    let name = url.rsplit_once('/').unwrap().1;
    let statement = statement.replace("DATABASE", &format!("database {name}"));
    let url = url.replacen("//castellan@", "//postgres@", 1);
    psql(&url, &format!("begin read write; {statement}; commit"));
}

fn close_connections(program: &Program) {
    program.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_a_wrong_address_is_reported_at_once_with_the_cause() {
    let mut program = Program::sqlite();
    let port = reserve_port();
    for (address, cause) in
        [(format!("127.0.0.1:{port}"), "refused"), ("nowhere.invalid:5432".to_owned(), "nowhere.invalid, port 5432")]
    {
        program.set("CASTELLAN_DATABASE_URL", &format!("postgres://castellan@{address}/castellan"));
        let began = Instant::now();
        let text = program.startup_error().await;
        assert!(text.contains(cause) && text.contains("CASTELLAN_DATABASE_URL") && !text.contains("pool"), "{text}");
        assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
        assert!(!program.data().exists(), "no keys are made for it");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m_11_a_preset_that_opens_the_walls_is_refused() {
    let mut program = Program::postgres();
    let mia = start_with_member(&mut program).await;
    // While the server runs, new connections reset it.
    alter(&program, "alter DATABASE set castellan.system = 'on'");
    close_connections(&program);
    until("the server has new connections", async || {
        let tasks = program.get(Credential::Key(&mia.key), "/api/v1/tasks").await;
        (tasks.status == 200).then_some(())
    })
    .await;
    program.stop(DEFAULT_TIMEOUT).await;
    let text = program.startup_error().await;
    assert!(text.contains("castellan.system") && text.contains("reset all"), "{text}");
    alter(&program, "alter DATABASE reset castellan.system");
    alter(&program, &format!("alter DATABASE set castellan.tenant = '{}'", mia.id));
    assert!(program.startup_error().await.contains("castellan.tenant"));
    alter(&program, "alter DATABASE reset castellan.tenant");
    program.start().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_08_a_read_only_database_is_not_ready() {
    let mut program = Program::postgres();
    program.start().await;
    program.get(Credential::Anonymous, "/readyz").await.is(200);
    alter(&program, "alter DATABASE set default_transaction_read_only = on");
    close_connections(&program);
    until("the server is not ready", async || {
        let ready = program.get(Credential::Anonymous, "/readyz").await;
        (ready.status == 503 && ready.body.contains("read-only")).then_some(())
    })
    .await;
    program.stop(DEFAULT_TIMEOUT).await;
    let text = program.startup_error().await;
    assert!(text.contains("read-only") && text.contains("default_transaction_read_only"), "{text}");
    alter(&program, "alter DATABASE reset default_transaction_read_only");
    program.start().await;
    program.get(Credential::Anonymous, "/readyz").await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_a_standby_is_refused_with_the_reason() {
    let (mut program, mut cluster) = (Program::sqlite(), Cluster::start().await);
    program.set("CASTELLAN_DATABASE_URL", &cluster.url());
    program.start().await;
    program.stop(DEFAULT_TIMEOUT).await;
    cluster.restart_as_standby().await;
    let text = program.startup_error().await;
    assert!(text.contains("is a standby") && text.contains("primary"), "{text}");
}

/// `ps` and `pkill` know the process by this name, also after it has executed itself to remove secrets from its environment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_is_named_castellan() {
    for mut program in [Program::sqlite(), Program::postgres()] {
        program.start().await;
        let name = fs::read_to_string(format!("/proc/{}/comm", program.pid())).unwrap();
        assert_eq!(name.trim(), "castellan");
    }
}

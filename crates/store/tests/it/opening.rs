//! Opening a database, and refusing an unusable one (D-12, D-13, M-06).
use crate::{
    raw::Raw,
    world::{World, on_both, sealed},
};
use domain::Timestamp;
use futures::join;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::{sync::Arc, time::Duration};
use store::{Error, Event, MasterKey, Settings, Store, Topic};
use testkit::{cluster_url, drop_database};
use tokio::sync::broadcast::Receiver;

fn message<T>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Unusable(text)) => text,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was opened"),
    }
}

fn settings(url: &str) -> Settings {
    Settings {
        url: url.into(),
        key: MasterKey::new([7; 32]),
        signer: testkit::signer(1),
        clock: Arc::new(|| Timestamp(0)),
    }
}

/// Returns the next event of a topic; earlier ones may still be in flight.
async fn next(heard: &mut Receiver<Event>, topic: Topic) -> Event {
    let next = async {
        loop {
            match heard.recv().await.unwrap() {
                event if event.topic == topic => return event,
                _ => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), next).await.unwrap()
}

on_both! {
    async fn d_13_a_restart_finds_the_data_of_the_first_start(world) {
        let made = world.submit(&world.acme.mia, sealed(world.acme.ops)).await;
        world.store.close().await;
        let again = world.another_node().await;
        assert_eq!(again.read(&world.acme.mia).await.unwrap().task(made.id).await.unwrap().title, "echo hi");
        again.ping().await.unwrap();
        assert_eq!(again.is_embedded(), world.is_sqlite());
        again.close().await;
    }

    async fn m_06_a_wrong_master_key_is_a_clear_error_at_start(world) {
        let text = message(Store::open(world.settings([8; 32])).await);
        assert!(text.contains("master key") && text.contains("CASTELLAN_ENCRYPTION_KEY"), "{text}");
        world.another_node().await.close().await; // the right key still opens it
    }

    async fn d_13_a_newer_schema_is_refused(world) {
        let mut raw = Raw::of(world).await;
        let some = if world.is_sqlite() { "x'00'" } else { "'\\x00'::bytea" };
        raw.run(&format!(
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (9999, 'later', true, {some}, 0)"
        ))
        .await
        .unwrap();
        let text = message(Store::open(world.settings([7; 32])).await);
        assert!(text.contains("newer Castellan") && text.contains("9999"), "{text}");
    }

    async fn a_key_that_sealed_a_tenants_key_is_not_in_the_database(world) {
        let mut raw = Raw::of(world).await;
        assert_eq!(raw.number("select count(*) from tenant_key").await, 2);
        let sealed = if world.is_sqlite() { "length(wrapped)" } else { "length(wrapped)::bigint" };
        assert_eq!(raw.number(&format!("select min({sealed}) from tenant_key")).await, 12 + 32 + 16);
    }

    async fn d_01_only_committed_changes_are_published(world) {
        let acme = &world.acme;
        let mut heard = world.store.subscribe();
        let mut write = world.store.write(&acme.mia).await.unwrap();
        write.submit_task(acme.mia.may(sealed(acme.ops)).unwrap()).await.unwrap();
        drop(write);
        let made = world.submit(&acme.mia, sealed(acme.ops)).await;
        let event = next(&mut heard, Topic::Tasks).await;
        assert_eq!((event.tenant, event.topic, event.id), (acme.tenant, Topic::Tasks, made.id.0));
    }
}

/// A SQLite file that several processes open at the same time, as `castellan admin …` does next to a running server.
#[tokio::test]
async fn two_processes_open_one_new_file_concurrently() {
    let folder = tempfile::TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("new.db").display());
    let (one, two) = join!(Store::open(settings(&url)), Store::open(settings(&url)));
    let (one, two) = (one.unwrap(), two.unwrap());
    let (here, there) = (one.system(), two.system());
    let (first, second) = join!(here.create_tenant("one"), there.create_tenant("two"));
    assert_ne!(first.unwrap(), second.unwrap());
    assert_eq!(one.system().tenants().await.unwrap().len(), 2);
}

#[tokio::test]
async fn trap_e15_the_database_uses_a_write_ahead_log() {
    let world = World::sqlite().await;
    let mut raw = Raw::of(&world).await;
    assert_eq!(raw.texts("pragma journal_mode").await, ["wal"]);
    world.end().await;
}

#[tokio::test]
async fn an_invalid_database_url_is_refused_with_the_expected_form() {
    for (url, words) in [
        ("mysql://x", "sqlite: or postgres://"),
        ("castellan.db", "sqlite: or postgres://"),
        ("postgres://[", "postgres://USER"),
    ] {
        let text = message(Store::open(settings(url)).await);
        assert!(text.contains(words), "{url}: {text}");
    }
    let text = message(Store::open(settings("sqlite:/nonexistent/folder/x.db")).await);
    assert!(text.contains("/nonexistent/folder/x.db"), "{text}");
}

/// The superuser of the test cluster is `postgres`, as created by `cargo xtask test`.
async fn as_superuser() -> (PgConnection, String) {
    let url = cluster_url().replacen("//castellan@", "//postgres@", 1);
    let admin = PgConnection::connect(&url)
        .await
        .expect("the throw-away cluster's superuser must be postgres, trusted on 127.0.0.1");
    (admin, url)
}

#[tokio::test]
async fn d_12_a_superuser_is_refused_before_tables_are_created() {
    let (mut admin, url) = as_superuser().await;
    let database = format!("castellan_{}", uuid::Uuid::new_v4().simple());
    sqlx::query(AssertSqlSafe(format!("create database {database}"))).execute(&mut admin).await.unwrap();
    let url = url.replacen("/postgres", &format!("/{database}"), 2).replacen(&format!("/{database}@"), "/postgres@", 1);
    let text = message(Store::open(settings(&url)).await);
    assert!(text.contains("superuser"), "{text}");
    let mut inside = PgConnection::connect(&url).await.unwrap();
    let tables: i64 =
        sqlx::query_scalar("select count(*) from information_schema.tables where table_schema = 'public'")
            .fetch_one(&mut inside)
            .await
            .unwrap();
    assert_eq!(tables, 0);
    drop(inside);
    drop_database(&as_superuser().await.1, &database);
}

#[tokio::test]
async fn d_12_two_nodes_start_concurrently_on_a_new_database() {
    let world = World::postgres().await;
    let (url, database) = (cluster_url(), format!("castellan_{}", uuid::Uuid::new_v4().simple()));
    let mut owner = PgConnection::connect(&url).await.unwrap();
    sqlx::query(AssertSqlSafe(format!("create database {database}"))).execute(&mut owner).await.unwrap();
    let (server, _) = url.rsplit_once('/').unwrap();
    let url = format!("{server}/{database}");
    let (one, two) = join!(Store::open(settings(&url)), Store::open(settings(&url)));
    let (one, two) = (one.unwrap(), two.unwrap());
    one.close().await;
    two.close().await;
    drop_database(&cluster_url(), &database);
    world.end().await;
}

/// Every node receives the events of the others (D-12).
#[tokio::test]
async fn d_12_a_node_receives_the_events_of_another() {
    let world = World::postgres().await;
    let other = world.another_node().await;
    let mut heard = other.subscribe();
    let made = world.submit(&world.acme.mia, sealed(world.acme.ops)).await;
    let event = next(&mut heard, Topic::Tasks).await;
    assert_eq!((event.tenant, event.id), (world.acme.tenant, made.id.0));
    let mut heard = other.subscribe();
    let tenant = world.store.system().create_tenant("third").await.unwrap();
    let event = next(&mut heard, Topic::People).await;
    assert_eq!(event.tenant, tenant, "of a new tenant too");
    other.close().await;
    world.end().await;
}

/// Notifications sent while the LISTEN connection was lost are missed, so that subscribers read again (D-12).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_a_node_that_was_disconnected_reports_missed_events() {
    let world = World::postgres().await;
    let mut heard = world.store.subscribe();
    let mut raw = Raw::outside(&world).await;
    let listens = "from pg_stat_activity where datname = current_database() and query ilike 'listen%'";
    assert_eq!(raw.number(&format!("select count(*) {listens}")).await, 1);
    raw.run(&format!("select pg_terminate_backend(pid) {listens}")).await.unwrap();
    next(&mut heard, Topic::Missed).await;
    let made = world.submit(&world.acme.mia, sealed(world.acme.ops)).await;
    assert_eq!(next(&mut heard, Topic::Tasks).await.id, made.id.0);
    world.end().await;
}

/// Waiting for another node's lock times out as on SQLite, and later changes proceed (D-12).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_a_change_that_waits_too_long_fails_as_busy() {
    let world = World::postgres().await;
    let mia = &world.acme.mia;
    let mut raw = Raw::of(&world).await;
    raw.run("begin").await.unwrap();
    raw.run("lock table audit_head in exclusive mode").await.unwrap();
    let submission = sealed(world.acme.ops);
    let proof = mia.may(submission).unwrap();
    let waited = world.change(mia, async |write| write.submit_task(proof).await).await;
    assert!(matches!(waited, Err(Error::Busy)), "{waited:?}");
    raw.run("rollback").await.unwrap();
    world.submit(mia, sealed(world.acme.ops)).await;
    world.end().await;
}

/// Closing the pool waits for every connection, so the LISTEN connection must not belong to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_the_store_closes_while_events_arrive() {
    let world = World::postgres().await;
    let mut noise = Raw::outside(&world).await;
    let loud = tokio::spawn(async move { while noise.run("select pg_notify('castellan', '-')").await.is_ok() {} });
    for _ in 0..20 {
        let node = world.another_node().await;
        tokio::time::timeout(Duration::from_secs(10), node.close()).await.expect("it is closed");
    }
    loud.abort();
    world.end().await;
}

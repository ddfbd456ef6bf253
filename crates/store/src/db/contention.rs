//! D-12: contention on PostgreSQL. A tenant's locks delay no other tenant, waits end at one deadline, and all connections remain usable.
use crate::{
    Error, MasterKey, Result, Settings, Store,
    db::{
        column::Number,
        conn::{Conn, unscoped_query},
        row_access::RowAccess,
        tenant_shares::SHARE,
    },
};
use domain::{Actor, Timestamp, audit::Outcome};
use futures::future::join_all;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::{sync::Arc, time::Duration};
use testkit::Database;
use tokio::time::{Instant, sleep, timeout};

/// How long a transaction may wait.
const LIMIT: Duration = Duration::from_secs(2);
/// How much longer it may take on a busy machine.
const MARGIN: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(200);

/// A store with two tenants, and a session of another program.
struct Fixture {
    store: Store,
    acme: Actor,
    bolt: Actor,
    other: PgConnection,
    _database: Database,
}

impl Fixture {
    async fn open() -> Self {
        let database = Database::postgres();
        let (key, signer, now) = (MasterKey::new([7; 32]), testkit::signer(1), Timestamp(1_700_000_000_000_000));
        let settings = Settings { url: database.url.clone(), key, signer, clock: Arc::new(move || now) };
        let store = Store::open_with_limit(settings, LIMIT).await.unwrap();
        let acme = Actor::console(store.system().create_tenant("Acme").await.unwrap(), now);
        let bolt = Actor::console(store.system().create_tenant("Bolt").await.unwrap(), now);
        let mut other = PgConnection::connect(&database.url).await.unwrap();
        other.execute("set castellan.system = 'on'").await.unwrap();
        Self { store, acme, bolt, other, _database: database }
    }

    /// Locks the head of Acme's audit log, which every change appends to.
    async fn lock_acme(&mut self) {
        let sql = format!("begin; select from audit_head where tenant_id = '{}' for update", self.acme.tenant);
        self.other.execute(AssertSqlSafe(sql)).await.unwrap();
    }

    async fn unlock(&mut self) {
        self.other.execute("rollback").await.unwrap();
    }

    /// Appends to the actor's audit log.
    async fn write(&self, actor: &Actor) -> Result<()> {
        let mut write = self.store.write(actor).await?;
        write.note("test", ("tenant", actor.tenant.to_string()), Outcome::Done, json!({})).await?;
        write.commit().await
    }

    async fn assert_others_proceed(&self) {
        for _ in 0..3 {
            let (took, written) = timed(self.write(&self.bolt)).await;
            assert!(written.is_ok() && took < MARGIN, "another tenant: {took:?} {written:?}");
            let (took, noted) = timed(self.store.system().note_failure([1; 32])).await;
            assert!(noted.is_ok() && took < MARGIN, "work across tenants: {took:?} {noted:?}");
        }
    }

    /// Uses more transactions of each kind than there are connections.
    async fn assert_usable(&self) {
        for (took, done) in join_all((0..16).map(|_| timed(self.write(&self.acme)))).await {
            assert!(done.is_ok() && took < LIMIT, "{took:?} {done:?}");
        }
        for (took, done) in join_all((0..32).map(|_| timed(snapshot(&self.store, COUNT)))).await {
            assert!(done.is_ok() && took < LIMIT, "{took:?} {done:?}");
        }
        for (took, done) in join_all((0..32).map(|_| timed(single_query(&self.store)))).await {
            assert!(done.is_ok() && took < LIMIT, "{took:?} {done:?}");
        }
    }

    /// Returns the number of the store's sessions that wait for a lock.
    async fn waiting(&mut self) -> i64 {
        let sql =
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        sqlx::query_scalar(sql).fetch_one(&mut self.other).await.unwrap()
    }
}

const COUNT: &str = "select count(*) as n from organization";

async fn query(conn: &mut Conn, sql: &'static str) -> Result<()> {
    unscoped_query!(*conn, Number, fetch_one, sql).map(drop)
}

async fn snapshot(store: &Store, sql: &'static str) -> Result<()> {
    query(&mut store.begin_read(RowAccess::All).await?, sql).await
}

async fn single_query(store: &Store) -> Result<()> {
    query(&mut store.acquire_for_single_query().await?, COUNT).await
}

async fn timed<T>(work: impl Future<Output = T>) -> (Duration, T) {
    let started = Instant::now();
    let done = work.await;
    (started.elapsed(), done)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_writers_behind_a_lock_fail_at_one_deadline_and_delay_no_other_tenant() {
    let mut fixture = Fixture::open().await;
    fixture.lock_acme().await;
    let writers = join_all((0..16).map(|_| timed(fixture.write(&fixture.acme))));
    let others = async {
        sleep(MOMENT).await;
        fixture.assert_others_proceed().await;
    };
    let (writers, ()) = tokio::join!(writers, others);
    for (took, written) in writers {
        assert!(matches!(written, Err(Error::Busy)), "{written:?}");
        assert!(LIMIT - MOMENT < took && took < LIMIT + MARGIN, "{took:?}");
    }
    fixture.unlock().await;
    fixture.assert_usable().await;
    fixture.store.close().await;
}

/// A caller that goes away leaves its statement behind, which waits until PostgreSQL ends it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_abandoned_writers_keep_their_share_until_their_statements_end() {
    let mut fixture = Fixture::open().await;
    fixture.lock_acme().await;
    for _ in 0..5 {
        let abandoned = (0..16).map(|_| timeout(MOMENT / 2, fixture.write(&fixture.acme)));
        assert!(join_all(abandoned).await.iter().all(Result::is_err));
    }
    assert_eq!(fixture.waiting().await, i64::try_from(SHARE).unwrap());
    fixture.assert_others_proceed().await;
    sleep(LIMIT).await;
    assert_eq!(fixture.waiting().await, 0);
    fixture.unlock().await;
    fixture.assert_usable().await;
    fixture.store.close().await;
}

/// Each of them waits for its place in the queue of the row, and then for the row.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_several_waits_of_a_transaction_share_its_deadline() {
    let fixture = Fixture::open().await;
    let slow = async || {
        let mut write = fixture.store.write(&fixture.acme).await?;
        write.note("test", ("tenant", fixture.acme.tenant.to_string()), Outcome::Done, json!({})).await?;
        sleep(LIMIT / 3).await;
        write.commit().await
    };
    let writers = join_all((0..12).map(|_| timed(slow()))).await;
    for (took, written) in &writers {
        assert!(matches!(written, Ok(()) | Err(Error::Busy)), "{written:?}");
        assert!(*took < LIMIT + LIMIT / 3 + MARGIN, "{took:?}");
    }
    assert!(writers.iter().any(|(_, written)| written.is_ok()) && writers.iter().any(|(_, written)| written.is_err()));

    let mut write = fixture.store.write(&fixture.acme).await.unwrap();
    sleep(LIMIT / 2).await;
    let (took, waited) = timed(query(&mut write.conn, "select count(pg_sleep(5)) as n")).await;
    assert!(matches!(waited, Err(Error::Busy)) && took < LIMIT / 2 + MARGIN / 2, "{took:?} {waited:?}");
    drop(write);
    let mut write = fixture.store.write(&fixture.acme).await.unwrap();
    sleep(LIMIT).await;
    assert!(matches!(query(&mut write.conn, COUNT).await, Err(Error::Busy)), "after the deadline");
    drop(write);
    fixture.assert_usable().await;
    fixture.store.close().await;
}

/// As the rotation of a key, which signs all open tasks again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_a_lifted_deadline_limits_only_waits_for_locks() {
    let mut fixture = Fixture::open().await;
    let mut write = fixture.store.write(&fixture.acme).await.unwrap();
    write.conn.lift_deadline().await.unwrap();
    query(&mut write.conn, "select count(pg_sleep(3)) as n").await.unwrap();
    write.commit().await.unwrap();
    fixture.lock_acme().await;
    let mut write = fixture.store.write(&fixture.acme).await.unwrap();
    write.conn.lift_deadline().await.unwrap();
    let noted = write.note("test", ("tenant", fixture.acme.tenant.to_string()), Outcome::Done, json!({}));
    let (took, noted) = timed(noted).await;
    assert!(matches!(noted, Err(Error::Busy)) && took < LIMIT + MARGIN, "{took:?} {noted:?}");
    fixture.unlock().await;
    drop(write);
    fixture.assert_usable().await;
    fixture.store.close().await;
}

/// PostgreSQL reports the success of a commit whose wait for a standby is cut.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_a_commit_has_no_time_limit() {
    let mut fixture = Fixture::open().await;
    let slow = "create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(3); return null; end $$;
        create constraint trigger slow after insert on audit deferrable initially deferred for each row execute function slow()";
    fixture.other.execute(slow).await.unwrap();
    let (took, written) = timed(fixture.write(&fixture.acme)).await;
    assert!(written.is_ok() && took > LIMIT + MARGIN / 2, "{took:?} {written:?}");
    fixture.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_readers_behind_a_lock_fail_at_one_deadline_and_long_reads_continue() {
    let mut fixture = Fixture::open().await;
    let long = tokio::spawn({
        let store = fixture.store.clone();
        async move { snapshot(&store, "select count(pg_sleep(3)) as n").await }
    });
    fixture.other.execute("begin; lock table organization in access exclusive mode").await.unwrap();
    for (took, read) in join_all((0..24).map(|_| timed(snapshot(&fixture.store, COUNT)))).await {
        assert!(matches!(read, Err(Error::Busy)), "{read:?}");
        assert!(LIMIT - MOMENT < took && took < LIMIT + MARGIN, "{took:?}");
    }
    for (took, read) in join_all((0..24).map(|_| timed(single_query(&fixture.store)))).await {
        assert!(matches!(read, Err(Error::Busy)) && took < LIMIT + MARGIN, "{took:?} {read:?}");
    }
    fixture.unlock().await;
    long.await.unwrap().expect("it waits for no lock");
    fixture.assert_usable().await;
    fixture.store.close().await;
}

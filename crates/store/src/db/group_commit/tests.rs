//! D-01, D-12: transactions of a group commit are durable together, fail together, and publish their events only afterwards.
use super::*;
use crate::Topic;
use domain::TenantId;
use futures::future::join_all;
use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use std::{fs, path::Path};
use tempfile::TempDir;
use tokio::{sync::broadcast::Receiver, task::JoinHandle, time::sleep};
use uuid::Uuid;

/// Long enough for every task that is not blocked to finish its step.
const MOMENT: Duration = Duration::from_millis(100);

/// How long a transaction may wait.
const LIMIT: Duration = Duration::from_secs(1);

/// A database with one table, its writer, and a subscription to its events.
struct Fixture {
    folder: TempDir,
    writer: Writer,
    events: Receiver<Event>,
}

impl Fixture {
    async fn open() -> Self {
        let folder = TempDir::new().unwrap();
        let options = options(folder.path());
        let mut raw = options.connect().await.unwrap();
        let tables = "create table sale (n integer primary key);
            create table item (sale integer not null references sale (n) deferrable initially deferred)";
        sqlx::raw_sql(tables).execute(&mut raw).await.unwrap();
        raw.close().await.unwrap();
        let bus = EventBus::new();
        let events = bus.subscribe();
        Self { writer: Writer::new(options, bus, LIMIT), folder, events }
    }

    /// Begins a transaction and inserts a row.
    async fn sell(&self, n: i64) -> Member {
        sell(&self.writer, n).await
    }

    /// Spawns a member that inserts a row and commits.
    fn seller(&self, n: i64) -> JoinHandle<Result<()>> {
        let writer = self.writer.clone();
        tokio::spawn(async move { sell(&writer, n).await.commit(vec![event(n)]).await })
    }

    /// Returns the committed rows.
    async fn sold(&self) -> Vec<i64> {
        read(self.folder.path()).await
    }

    /// Returns the events published since the last call.
    fn published(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }

    /// Returns the number of commits: write-ahead log frames that end a transaction contain the size of the database.
    fn commits(&self) -> usize {
        let log = fs::read(self.folder.path().join("fixture.db-wal")).unwrap_or_default();
        let frames = log.get(32..).unwrap_or_default().chunks_exact(24 + 4096);
        frames.filter(|frame| frame[4..8] != [0; 4]).count()
    }
}

fn options(folder: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(folder.join("fixture.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
}

fn event(n: i64) -> Event {
    let id = Uuid::from_u128(u128::try_from(n).unwrap());
    Event { tenant: TenantId(Uuid::nil()), topic: Topic::Tasks, id }
}

async fn sell(writer: &Writer, n: i64) -> Member {
    let mut member = writer.begin().await.unwrap();
    sqlx::query("insert into sale (n) values ($1)").bind(n).execute(&mut *member).await.unwrap();
    member
}

async fn read(folder: &Path) -> Vec<i64> {
    let mut raw = options(folder).connect().await.unwrap();
    let sold = sqlx::query_scalar("select n from sale order by n").fetch_all(&mut raw).await.unwrap();
    raw.close().await.unwrap();
    sold
}

#[tokio::test]
async fn a_member_without_waiting_others_is_committed_immediately() {
    let mut fixture = Fixture::open().await;
    for n in 1..=3 {
        fixture.sell(n).await.commit(vec![event(n)]).await.unwrap();
        assert_eq!(fixture.published(), [event(n)]);
    }
    assert_eq!((fixture.sold().await.as_slice(), fixture.commits()), ([1, 2, 3].as_slice(), 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_waiting_members_share_a_commit() {
    let mut fixture = Fixture::open().await;
    fixture.sell(0).await.commit(vec![]).await.unwrap();
    let (before, first) = (fixture.commits(), fixture.sell(1).await);
    let others: Vec<_> = (2..=16).map(|n| fixture.seller(n)).collect();
    sleep(MOMENT).await;
    first.commit(vec![event(1)]).await.unwrap();
    for other in others {
        other.await.unwrap().unwrap();
    }
    assert_eq!(fixture.sold().await, (0..=16).collect::<Vec<_>>());
    assert_eq!(fixture.published().len(), 16);
    // One commit, or a few on a slow machine, where the first does not wait for all others.
    assert!(fixture.commits() - before <= 4, "{} commits", fixture.commits() - before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_by_sqlite_is_reported_to_no_member_as_success() {
    let mut fixture = Fixture::open().await;
    for company in [false, true] {
        let mut first = fixture.sell(1).await;
        let writer = fixture.writer.clone();
        let second = company.then(|| tokio::spawn(async move { writer.begin().await.map(drop) }));
        sleep(MOMENT).await;
        sqlx::query("rollback").execute(&mut *first).await.unwrap(); // as SQLite does when the disk is full
        first.commit(vec![event(1)]).await.unwrap_err();
        if let Some(second) = second {
            second.await.unwrap().unwrap_err();
        }
        assert!(fixture.published().is_empty() && fixture.sold().await.is_empty());
    }
    fixture.sell(2).await.commit(vec![event(2)]).await.unwrap();
    assert_eq!((fixture.sold().await, fixture.published()), (vec![2], vec![event(2)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_published_or_visible_before_it_is_durable() {
    let mut fixture = Fixture::open().await;
    let first = fixture.sell(1).await;
    let (second, writer) = (fixture.writer.clone(), fixture.writer.clone());
    let second = tokio::spawn(async move { sell(&second, 2).await });
    sleep(MOMENT).await;
    let first = tokio::spawn(first.commit(vec![event(1)]));
    let second = second.await.unwrap();
    sleep(MOMENT).await;
    assert!(!first.is_finished(), "the first waits for the second, which is still open");
    assert!(fixture.published().is_empty() && fixture.sold().await.is_empty());
    // The files as a power failure would leave them.
    let cut = TempDir::new().unwrap();
    for name in ["fixture.db", "fixture.db-wal"] {
        fs::copy(fixture.folder.path().join(name), cut.path().join(name)).unwrap();
    }
    assert!(read(cut.path()).await.is_empty());
    second.commit(vec![event(2)]).await.unwrap();
    first.await.unwrap().unwrap();
    assert_eq!(fixture.published(), [event(1), event(2)]);
    fs::copy(fixture.folder.path().join("fixture.db-wal"), cut.path().join("fixture.db-wal")).unwrap();
    assert_eq!((read(cut.path()).await, fixture.sold().await), (vec![1, 2], vec![1, 2]));
    writer.close().await;
    assert!(matches!(writer.begin().await, Err(Error::Database(sqlx::Error::PoolClosed))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abandoned_member_rolls_back_only_its_own_changes() {
    let mut fixture = Fixture::open().await;
    drop(fixture.sell(9).await);
    let (first, writer) = (fixture.sell(1).await, fixture.writer.clone());
    let panics = tokio::spawn(async move {
        let _member = sell(&writer, 2).await;
        panic!("a member that fails");
    });
    sleep(MOMENT).await;
    let writer = fixture.writer.clone();
    let cancelled = tokio::spawn(async move {
        let _member = sell(&writer, 3).await;
        std::future::pending::<()>().await;
    });
    sleep(MOMENT).await;
    let last = fixture.seller(4);
    sleep(MOMENT).await;
    let first = tokio::spawn(first.commit(vec![event(1)]));
    assert!(panics.await.unwrap_err().is_panic());
    sleep(MOMENT).await;
    cancelled.abort();
    first.await.unwrap().unwrap();
    last.await.unwrap().unwrap();
    assert_eq!((fixture.sold().await, fixture.published()), (vec![1, 4], vec![event(1), event(4)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_started_commit_finishes_after_its_requester_is_cancelled() {
    let mut fixture = Fixture::open().await;
    let first = fixture.sell(1).await;
    let writer = fixture.writer.clone();
    let second = tokio::spawn(async move { sell(&writer, 2).await });
    sleep(MOMENT).await;
    let first = tokio::spawn(first.commit(vec![event(1)]));
    let second = second.await.unwrap();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    drop(second);
    sleep(MOMENT).await;
    assert_eq!((fixture.sold().await, fixture.published()), (vec![1], vec![event(1)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_commit_fails_for_all_members_and_the_next_succeeds() {
    let mut fixture = Fixture::open().await;
    let first = fixture.sell(1).await;
    let writer = fixture.writer.clone();
    let wrong = tokio::spawn(async move {
        let mut member = sell(&writer, 2).await;
        // The deferred foreign key fails at commit.
        sqlx::query("insert into item (sale) values (77)").execute(&mut *member).await.unwrap();
        member.commit(vec![event(2)]).await
    });
    sleep(MOMENT).await;
    assert!(first.commit(vec![event(1)]).await.is_err());
    assert!(wrong.await.unwrap().is_err());
    assert!(fixture.sold().await.is_empty() && fixture.published().is_empty());
    fixture.sell(3).await.commit(vec![]).await.unwrap();
    assert_eq!(fixture.sold().await, [3]);
}

/// The queue counts, too: without a common deadline, each would wait for the lock after those before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_held_by_another_process_fails_all_as_busy_at_one_deadline_and_does_no_harm() {
    let fixture = Fixture::open().await;
    fixture.sell(1).await.commit(vec![]).await.unwrap();
    let mut other = options(fixture.folder.path()).connect().await.unwrap();
    sqlx::query("begin immediate").execute(&mut other).await.unwrap();
    let started = Instant::now();
    let outcomes = join_all((0..8).map(|_| fixture.writer.begin())).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(Error::Busy))));
    let took = started.elapsed();
    assert!(LIMIT - MOMENT < took && took < LIMIT + LIMIT / 2, "{took:?}");
    sqlx::query("rollback").execute(&mut other).await.unwrap();
    fixture.sell(2).await.commit(vec![]).await.unwrap();
    assert_eq!(fixture.sold().await, [1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_commits_waiting_members() {
    let fixture = Fixture::open().await;
    let (first, writer) = (fixture.sell(1).await, fixture.writer.clone());
    let closing = tokio::spawn(async move { writer.close().await });
    sleep(MOMENT).await;
    first.commit(vec![]).await.unwrap();
    closing.await.unwrap();
    assert_eq!(fixture.sold().await, [1]);
    assert!(fixture.writer.begin().await.is_err());
}

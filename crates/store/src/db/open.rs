//! Opening a database: pools, durability settings, migrations, and the check of the master key.
use crate::{
    Error, MasterKey, Quotas, Result,
    db::{
        conn::{Conn, PostgresConn, SqliteConn},
        database_lock::sqlite_file,
        deadline::{Deadline, WAIT_LIMIT, before, milliseconds},
        event_bus::EventBus,
        events, first_connection,
        group_commit::Writer,
        group_commit_postgres::GroupCommitter,
        migrations,
        outage::OutageDetector,
        readers::Readers,
        row_access::RowAccess,
        tenant_shares::{MAX_WRITERS, TenantShares},
        write_transaction::WriteTransaction,
    },
    metrics::{DatabaseStep, metrics},
    pause_detector::PauseDetector,
};
use domain::{Timestamp, consent::Signer};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgPool,
    migrate::Migrator,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use std::{
    fmt,
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    str::FromStr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::AbortHandle;

/// Source of the time: the system clock, or a test.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Settings for opening a store.
pub struct Settings {
    /// `sqlite:PATH` or `postgres://…`.
    pub url: String,
    /// Key under which the tenants' keys are sealed.
    pub key: MasterKey,
    /// Signs rules, judgments and decisions, and verifies them.
    pub signer: Arc<dyn Signer>,
    pub clock: Clock,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").finish_non_exhaustive()
    }
}

enum Pool {
    /// One connection for writing, several for reading.
    Sqlite { writer: Writer, readers: Readers },
    Postgres {
        reading: PgPool,
        /// Separate from reading, because writers hold a connection while they wait for each other.
        writing: PgPool,
        shares: TenantShares,
        /// Connections that see all tenants, for single queries.
        single_query: PgPool,
        flusher: GroupCommitter,
        outages: OutageDetector,
        /// The task that receives notifications.
        listener_task: AbortHandle,
    },
}

struct Inner {
    pool: Pool,
    events: EventBus,
    clock: Clock,
    key: MasterKey,
    signer: Arc<dyn Signer>,
    /// Whether mail is queued; without a mail server nothing would send it.
    mail: AtomicBool,
    /// Unlimited until they are set.
    quotas: OnceLock<Quotas>,
    /// When a write transaction last failed to begin; 0 after one that succeeded.
    refused: AtomicI64,
    pauses: PauseDetector,
    /// How long a transaction may wait.
    wait_limit: Duration,
    /// Unlimited until it is set.
    queue_expiry: OnceLock<Duration>,
}

/// The database of a deployment. Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

impl Store {
    /// Opens the database, creates it if it is missing, and migrates its schema. A schema newer than this
    /// program, a wrong master key, a SQLite below 3.51.3, data that were moved away and an unfinished copy are refused.
    pub async fn open(settings: Settings) -> Result<Self> {
        let store = Self::open_for_transfer(settings).await?;
        store.system().assert_serves().await?;
        Ok(store)
    }

    /// Opens a database also before its data were copied completely and after they were moved away.
    pub(crate) async fn open_for_transfer(settings: Settings) -> Result<Self> {
        Self::open_with_limit(settings, WAIT_LIMIT).await
    }

    /// Opens it with another limit for what a transaction waits.
    pub(crate) async fn open_with_limit(settings: Settings, wait_limit: Duration) -> Result<Self> {
        let events = EventBus::new();
        let pool = match settings.url.split_once(':') {
            Some(("sqlite", _)) => open_sqlite(&settings.url, &events, wait_limit).await?,
            Some(("postgres" | "postgresql", _)) => open_postgres(&settings.url, &events, wait_limit).await?,
            _ => return Err(Error::Unusable("the database address must begin with sqlite: or postgres://".into())),
        };
        let pauses = PauseDetector::new((settings.clock)());
        let store = Self(Arc::new(Inner {
            pool,
            events,
            clock: settings.clock,
            key: settings.key,
            signer: settings.signer,
            mail: AtomicBool::new(false),
            quotas: OnceLock::new(),
            refused: AtomicI64::new(0),
            pauses,
            wait_limit,
            queue_expiry: OnceLock::new(),
        }));
        store.system().check_key().await?;
        Ok(store)
    }

    pub fn now(&self) -> Timestamp {
        (self.0.clock)()
    }

    /// Enables the mail queue.
    pub fn enable_mail(&self) {
        self.0.mail.store(true, Ordering::Relaxed);
    }

    /// Sets the quotas, once.
    pub fn set_quotas(&self, quotas: Quotas) {
        self.0.quotas.get_or_init(|| quotas);
    }

    pub fn quotas(&self) -> Quotas {
        self.0.quotas.get().copied().unwrap_or_default()
    }

    /// Sets how long a task waits while no runner can take it, once.
    pub fn set_queue_expiry(&self, expiry: Duration) {
        self.0.queue_expiry.get_or_init(|| expiry);
    }

    pub(crate) fn queue_expiry(&self) -> Option<Duration> {
        self.0.queue_expiry.get().copied()
    }

    /// Returns since when this node has been able to record heartbeats.
    pub(crate) fn watching_since(&self) -> Timestamp {
        self.0.pauses.watching_since()
    }

    /// Notes that this node runs. If that was not noted for [`MAX_PAUSE`](crate::MAX_PAUSE), its process or machine was paused and
    /// could not record heartbeats.
    pub fn note_running(&self) {
        self.0.pauses.note_running(self.now());
    }

    pub fn is_mail_enabled(&self) -> bool {
        self.0.mail.load(Ordering::Relaxed)
    }

    /// Returns when a write last failed to begin, if none has begun since.
    pub fn last_failed_write(&self) -> Option<Timestamp> {
        let at = self.0.refused.load(Ordering::Relaxed);
        (at != 0).then_some(Timestamp(at))
    }

    /// Checks that the database answers.
    pub async fn ping(&self) -> Result<()> {
        let mut conn = self.begin_read(RowAccess::Nothing).await?;
        crate::db::conn::unscoped_query!(conn, crate::db::column::Number, fetch_one, "select cast(1 as bigint) as n")?;
        Ok(())
    }

    /// Returns whether the database answers and accepts changes: a standby or a read-only database of PostgreSQL does not.
    pub async fn accepts_changes(&self) -> Result<bool> {
        let Pool::Postgres { single_query, outages, .. } = &self.0.pool else {
            return self.ping().await.map(|()| true);
        };
        let sql = "select not pg_is_in_recovery() and current_setting('default_transaction_read_only') = 'off'";
        outages.or_unavailable(Box::pin(sqlx::query_scalar(sql).fetch_one(single_query))).await
    }

    /// Returns whether this is SQLite, which serves a single node.
    pub fn is_embedded(&self) -> bool {
        matches!(self.0.pool, Pool::Sqlite { .. })
    }

    /// Closes all connections; SQLite folds its write-ahead log into the database file.
    pub async fn close(&self) {
        match &self.0.pool {
            Pool::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pool::Postgres { reading, writing, single_query, flusher, listener_task, .. } => {
                for pool in [reading, writing, single_query] {
                    pool.close().await;
                }
                flusher.close().await;
                listener_task.abort();
            }
        }
    }

    /// Returns how a connection for reading is opened; `None` on PostgreSQL.
    pub(crate) fn sqlite_options(&self) -> Option<&SqliteConnectOptions> {
        match &self.0.pool {
            Pool::Sqlite { readers, .. } => Some(readers.options()),
            Pool::Postgres { .. } => None,
        }
    }

    pub(crate) fn events(&self) -> &EventBus {
        &self.0.events
    }

    pub(crate) fn key(&self) -> &MasterKey {
        &self.0.key
    }

    pub(crate) fn signer(&self) -> &dyn Signer {
        &*self.0.signer
    }

    /// Opens a snapshot.
    pub(crate) async fn begin_read(&self, sees: RowAccess) -> Result<Conn> {
        let started = Instant::now();
        let begun = self.try_to_begin_read(sees).await;
        metrics().observe(DatabaseStep::Snapshot, started);
        begun
    }

    async fn try_to_begin_read(&self, sees: RowAccess) -> Result<Conn> {
        Ok(match &self.0.pool {
            Pool::Sqlite { readers, .. } => Conn::Sqlite(SqliteConn::Read(readers.begin().await?)),
            Pool::Postgres { reading, outages, .. } => {
                let mut deadline = Deadline::of_snapshot(self.0.wait_limit);
                let sql = format!("begin isolation level repeatable read read only; {}", deadline.limit());
                let begin = reading.begin_with(AssertSqlSafe(sees.begin(&sql)));
                let mut begun = outages.or_unavailable(Box::pin(before(deadline.at(), begin))).await?;
                deadline.lower(&mut begun).await?;
                Conn::Postgres(PostgresConn::Read(begun))
            }
        })
    }

    /// Opens a snapshot for a single query.
    pub(crate) async fn begin_single_read(&self, sees: RowAccess) -> Result<Conn> {
        match &self.0.pool {
            Pool::Sqlite { .. } => self.acquire_for_single_query().await,
            Pool::Postgres { .. } => self.begin_read(sees).await,
        }
    }

    /// Returns a connection for a single query across tenants, without the round trips of a transaction.
    pub(crate) async fn acquire_for_single_query(&self) -> Result<Conn> {
        Ok(match &self.0.pool {
            Pool::Sqlite { readers, .. } => Conn::Sqlite(SqliteConn::Read(readers.single_query().await?)),
            Pool::Postgres { single_query, outages, .. } => Conn::Postgres(PostgresConn::SingleQuery(
                outages.or_unavailable(Box::pin(single_query.acquire())).await?,
            )),
        })
    }

    /// Opens a transaction that writes.
    pub(crate) async fn begin_write(&self, sees: RowAccess) -> Result<Conn> {
        let started = Instant::now();
        let begun = self.try_to_begin_write(sees).await;
        metrics().observe(DatabaseStep::Transaction, started);
        // One tenant's locks say nothing about the database.
        if matches!((&begun, sees), (Err(Error::Busy), RowAccess::Tenant(_))) && !self.is_embedded() {
            return begun;
        }
        let refused = if begun.is_ok() { Timestamp(0) } else { self.now() };
        self.0.refused.store(refused.0, Ordering::Relaxed);
        self.0.pauses.restart(refused);
        begun
    }

    async fn try_to_begin_write(&self, sees: RowAccess) -> Result<Conn> {
        Ok(match &self.0.pool {
            Pool::Sqlite { writer, .. } => Conn::Sqlite(SqliteConn::Write(writer.begin().await?)),
            Pool::Postgres { writing, shares, flusher, outages, .. } => {
                let deadline = Deadline::of_change(self.0.wait_limit);
                let at = deadline.at();
                let begin = async {
                    let share = shares.acquire(sees.tenant()).await?;
                    WriteTransaction::begin(writing.acquire().await?, share, deadline, sees).await
                };
                let begun = outages.or_unavailable(Box::pin(before(at, begin))).await?;
                Conn::Postgres(PostgresConn::Write(flusher.take(begun)))
            }
        })
    }
}

/// Returns whether the database at `url` exists and belongs to a deployment, whose keys must then exist, too.
///
/// # Errors
/// Fails with [`Error::Unusable`] if it cannot be reached.
pub async fn is_initialized(url: &str) -> Result<bool> {
    let Some(file) = sqlite_file(url) else { return first_connection::is_initialized(url).await };
    if !file.is_file() {
        return Ok(false);
    }
    let failed = |error: sqlx::Error| unusable(url, &error);
    let mut conn = SqliteConnectOptions::from_str(url).map_err(failed)?.connect().await.map_err(failed)?;
    let sql = "select exists (select 1 from sqlite_master where name = 'key_check')";
    let has_table: bool = sqlx::query_scalar(sql).fetch_one(&mut conn).await.map_err(failed)?;
    let sql = "select exists (select 1 from key_check where id = 1)";
    let initialized = has_table && sqlx::query_scalar(sql).fetch_one(&mut conn).await.map_err(failed)?;
    conn.close().await.map_err(failed)?;
    Ok(initialized)
}

/// Makes PostgreSQL release the locks of a node that vanished; otherwise a tenant could be blocked for hours. Also resets what a role
/// or database was given since the start, so that row-level security holds.
const RELEASE_LOCKS: &str = "set castellan.system = ''; set castellan.tenant = ''; set idle_in_transaction_session_timeout = '2min'; set tcp_keepalives_idle = 30;
    set tcp_keepalives_interval = 10; set tcp_keepalives_count = 3";

/// Lets a connection see all tenants for its whole life.
const SEE_ALL: &str = "set castellan.system = 'on'";

/// Makes PostgreSQL plan a statement once, without its values, and never compile it: each statement reads a few rows by an
/// index whatever the values are, and planning takes longer than running.
const PLAN_ONCE: &str = "set plan_cache_mode = force_generic_plan; set jit = off";

async fn open_sqlite(url: &str, events: &EventBus, wait_limit: Duration) -> Result<Pool> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|_| Error::Unusable(format!("{url} is no SQLite address; write sqlite:PATH")))?;
    make_private(options.get_filename());
    let options = options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full) // a confirmed change survives a power failure
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        // A checkpoint waits for the disk several times: every 16 MiB instead of every 4.
        .pragma("wal_autocheckpoint", "4000")
        .pragma("trusted_schema", "off");
    let mut conn = options.connect().await.map_err(|error| unusable(url, &error))?;
    let version: String = sqlx::query_scalar("select sqlite_version()").fetch_one(&mut conn).await?;
    assert_sqlite(&version)?;
    // sqlx takes no lock for SQLite migrations: a second program that opens a new file waits here.
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    migrate(&migrations::sqlite(), &mut *tx).await?;
    tx.commit().await?;
    conn.close().await?;
    // A savepoint keeps the former content of changed pages: in memory, instead of in a file beyond 64 KiB.
    let writer = Writer::new(options.clone().pragma("temp_store", "memory"), events.clone(), wait_limit);
    Ok(Pool::Sqlite { writer, readers: Readers::new(options.pragma("query_only", "on")) })
}

/// Creates the database file with mode 0600 if it is missing: SQLite would leave the mode to the umask, and
/// its journals inherit it. Errors are ignored here, because opening reports them better.
fn make_private(file: &Path) {
    drop(OpenOptions::new().write(true).create_new(true).mode(0o600).open(file));
}

async fn open_postgres(url: &str, events: &EventBus, wait_limit: Duration) -> Result<Pool> {
    let options = first_connection::options(url)?;
    let mut first = first_connection::connect(&options).await?;
    first_connection::assert_usable(&mut first).await?;
    migrate(&migrations::postgres(), &mut first).await?;
    first.close().await?;
    let pool = |max, setup: &str, timeout| pool_of(max, setup, timeout).connect_lazy_with(options.clone());
    let (writing, reading) = (pool(MAX_WRITERS, RELEASE_LOCKS, wait_limit), pool(12, RELEASE_LOCKS, wait_limit));
    // A single query has no transaction in which its limit could be lowered: the queue has two thirds of it, and the query the rest.
    let lock_timeout = wait_limit / 3;
    let see_all = format!("{SEE_ALL}; set lock_timeout = {}", milliseconds(lock_timeout));
    let single_query = pool(8, &see_all, wait_limit - lock_timeout);
    let listener = events::connect_listener(&options).await?;
    let (flusher, outages) = (GroupCommitter::new(options.clone()), OutageDetector::new());
    let listening = events::listen(listener, options, events.clone(), flusher.clone(), outages.clone());
    let listener_task = tokio::spawn(listening).abort_handle();
    Ok(Pool::Postgres {
        reading,
        writing,
        shares: TenantShares::default(),
        single_query,
        flusher,
        outages,
        listener_task,
    })
}

/// Configures a pool whose connections run `setup` first.
fn pool_of(max: u32, setup: &str, acquire_timeout: Duration) -> PgPoolOptions {
    let setup = format!("{PLAN_ONCE}; {setup}");
    PgPoolOptions::new().max_connections(max).acquire_timeout(acquire_timeout).after_connect(move |conn, _| {
        let setup = AssertSqlSafe(setup.clone());
        Box::pin(async move { conn.execute(setup).await.map(drop) })
    })
}

async fn migrate<'a, A>(migrator: &Migrator, pool: A) -> Result<()>
where
    A: sqlx::Acquire<'a>,
    <A::Connection as std::ops::Deref>::Target: sqlx::migrate::Migrate,
{
    migrator.run(pool).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::VersionMissing(version) => Error::Unusable(format!(
            "the database was written by a newer Castellan (its schema has step {version}, which this program does not \
             know). Start the newer program, or restore a backup made before the upgrade."
        )),
        other => Error::Unusable(format!("the database's schema could not be brought up to date: {other}")),
    })
}

/// Returns the error for a database that cannot be opened. SQLite reports a folder that cannot be written as if the file did not exist.
pub(crate) fn unusable(what: &str, error: &sqlx::Error) -> Error {
    let code = error.as_database_error().and_then(|inner| inner.code());
    // SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_READONLY_CANTINIT, SQLITE_READONLY_DIRECTORY.
    let hint = match (what.starts_with("postgres"), code.as_deref()) {
        (false, Some("14" | "8" | "1288" | "1544")) => {
            ". SQLite also writes beside a database that is only read: make its folder writable, or copy the whole data folder (cp -a) \
             and set CASTELLAN_DATA_DIR to the copy"
        }
        _ => "",
    };
    Error::Unusable(format!("cannot open the database {what}: {error}{hint}"))
}

/// E15: older versions have a bug in the write-ahead log that corrupts databases.
fn assert_sqlite(version: &str) -> Result<()> {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0_u32));
    let parts: [u32; 3] = std::array::from_fn(|_| parts.next().unwrap_or(0));
    if parts < [3, 51, 3] {
        return Err(Error::Unusable(format!("the linked SQLite is {version}; Castellan requires 3.51.3 or later")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trap_e15_an_old_sqlite_is_refused() {
        assert!(assert_sqlite("3.46.0").is_err() && assert_sqlite("3.51.2").is_err());
        assert!(assert_sqlite("3.51.3").is_ok() && assert_sqlite("3.52.0").is_ok() && assert_sqlite("4.0.0").is_ok());
    }
}

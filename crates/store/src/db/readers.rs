//! Reader pool for SQLite: each read has a connection for itself.
//!
//! Every call to SQLite goes to another thread and back, which takes longer than most queries. A general pool makes more such
//! calls than needed: it waits for the rollback of a snapshot and pings returned connections. Here the reader continues at once
//! and a separate task ends the snapshot.
use crate::Result;
use futures::future::Either;
use parking_lot::Mutex;
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{self, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore, oneshot},
    time::timeout,
};

const MAX_READERS: usize = 8;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(15);

/// Pool of connections for reading.
pub(crate) struct Readers(Arc<IdleConnections>);

type SharedConnection = Arc<sync::Mutex<SqliteConnection>>;

/// The idle connections.
struct IdleConnections {
    options: SqliteConnectOptions,
    idle: Mutex<Vec<SharedConnection>>,
    permits: Arc<Semaphore>,
}

/// A connection that returns to the pool when it is dropped.
struct PooledConnection {
    connection: SharedConnection,
    pool: Arc<IdleConnections>,
    broken: bool,
    _permit: OwnedSemaphorePermit, // goes last
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        if !self.broken {
            self.pool.idle().push(Arc::clone(&self.connection));
        }
    }
}

/// A connection in use by a read.
pub(crate) struct Reader {
    connection: OwnedMutexGuard<SqliteConnection>, // goes first
    /// Returns the connection when dropped, or signals the task that does.
    _return: Either<PooledConnection, oneshot::Sender<()>>,
}

impl Deref for Reader {
    type Target = SqliteConnection;
    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

impl Readers {
    /// Creates a pool that opens connections on demand.
    pub(crate) fn new(options: SqliteConnectOptions) -> Self {
        let permits = Arc::new(Semaphore::new(MAX_READERS));
        Self(Arc::new(IdleConnections { options, idle: Mutex::default(), permits }))
    }

    pub(crate) fn options(&self) -> &SqliteConnectOptions {
        &self.0.options
    }

    /// Returns a connection for a single query, which is a snapshot by itself.
    pub(crate) async fn single_query(&self) -> Result<Reader> {
        let pooled = self.acquire().await?;
        let connection = Arc::clone(&pooled.connection).lock_owned().await;
        Ok(Reader { connection, _return: Either::Left(pooled) })
    }

    /// Begins a snapshot for several queries.
    pub(crate) async fn begin(&self) -> Result<Reader> {
        let pooled = self.acquire().await?;
        let connection = Arc::clone(&pooled.connection).lock_owned().await;
        let (reading, over) = oneshot::channel();
        tokio::spawn(pooled.end(over)); // ends the snapshot even if the reading future is dropped
        let mut reader = Reader { connection, _return: Either::Right(reading) };
        sqlx::query("begin").execute(&mut *reader).await?;
        Ok(reader)
    }

    /// Waits for running reads and closes all connections.
    pub(crate) async fn close(&self) {
        for _ in 0..MAX_READERS {
            match self.0.permits.acquire().await {
                Ok(permit) => permit.forget(),
                Err(_) => return, // closed before
            }
        }
        self.0.permits.close();
        let idle = std::mem::take(&mut *self.0.idle());
        for connection in idle.into_iter().filter_map(Arc::into_inner) {
            let _ = connection.into_inner().close().await; // it ends either way
        }
    }

    async fn acquire(&self) -> Result<PooledConnection> {
        let permit = timeout(ACQUIRE_TIMEOUT, Arc::clone(&self.0.permits).acquire_owned()).await;
        let permit = permit.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let idle = self.0.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => Arc::new(sync::Mutex::new(self.0.options.connect().await?)),
        };
        Ok(PooledConnection { connection, pool: Arc::clone(&self.0), broken: false, _permit: permit })
    }
}

impl IdleConnections {
    fn idle(&self) -> parking_lot::MutexGuard<'_, Vec<SharedConnection>> {
        self.idle.lock()
    }
}

impl PooledConnection {
    /// Ends the snapshot when the reader was dropped.
    async fn end(mut self, over: oneshot::Receiver<()>) {
        let _ = over.await; // it says so by going
        let mut connection = self.connection.lock().await;
        let ended = sqlx::query("rollback").execute(&mut *connection).await;
        drop(connection);
        self.broken = ended.is_err();
    }
}

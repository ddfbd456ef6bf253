//! Those who read SQLite: each has a connection for itself while they read.
//!
//! Every word to SQLite goes to another thread and back, which takes longer than most answers. A pool for any database has
//! more of them than are needed: it waits for the end of a snapshot, and greets what comes back. Here whoever has read goes
//! on at once, and a task of its own sees to the connection.
use crate::Result;
use futures::future::Either;
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{self, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore, oneshot},
    time::timeout,
};

/// So many read at once.
const MOST: usize = 8;
/// How long somebody waits for a connection.
const PATIENCE: Duration = Duration::from_secs(15);

/// Lends connections that read.
pub(crate) struct Readers(Arc<Shelf>);

type Shared = Arc<sync::Mutex<SqliteConnection>>;

/// Where connections lie that nobody reads with.
struct Shelf {
    options: SqliteConnectOptions,
    idle: Mutex<Vec<Shared>>,
    permits: Arc<Semaphore>,
}

/// A connection that goes back to its shelf.
struct Lent {
    connection: Shared,
    shelf: Arc<Shelf>,
    broken: bool,
    _permit: OwnedSemaphorePermit, // goes last
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.broken {
            self.shelf.idle().push(Arc::clone(&self.connection));
        }
    }
}

/// A connection while it is read with.
pub(crate) struct Reader {
    connection: OwnedMutexGuard<SqliteConnection>, // goes first
    /// Dropped, it takes the connection back, or tells the task that does.
    _back: Either<Lent, oneshot::Sender<()>>,
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
    /// Connections are opened by `options` when they are wanted.
    pub(crate) fn new(options: SqliteConnectOptions) -> Self {
        let permits = Arc::new(Semaphore::new(MOST));
        Self(Arc::new(Shelf { options, idle: Mutex::default(), permits }))
    }

    /// For a single question, which is a snapshot by itself.
    pub(crate) async fn ask(&self) -> Result<Reader> {
        let lent = self.lend().await?;
        let connection = Arc::clone(&lent.connection).lock_owned().await;
        Ok(Reader { connection, _back: Either::Left(lent) })
    }

    /// For several questions to one snapshot.
    pub(crate) async fn begin(&self) -> Result<Reader> {
        let lent = self.lend().await?;
        let connection = Arc::clone(&lent.connection).lock_owned().await;
        let (reading, over) = oneshot::channel();
        tokio::spawn(lent.end(over)); // from here on, whatever becomes of the future that reads
        let mut reader = Reader { connection, _back: Either::Right(reading) };
        sqlx::query("begin").execute(&mut *reader).await?;
        Ok(reader)
    }

    /// Waits for those who read, and closes all connections.
    pub(crate) async fn close(&self) {
        for _ in 0..MOST {
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

    async fn lend(&self) -> Result<Lent> {
        let permit = timeout(PATIENCE, Arc::clone(&self.0.permits).acquire_owned()).await;
        let permit = permit.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let idle = self.0.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => Arc::new(sync::Mutex::new(self.0.options.connect().await?)),
        };
        Ok(Lent { connection, shelf: Arc::clone(&self.0), broken: false, _permit: permit })
    }
}

impl Shelf {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Shared>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lent {
    /// Ends the snapshot when the reading is over.
    async fn end(mut self, over: oneshot::Receiver<()>) {
        let _ = over.await; // it says so by going
        let mut connection = self.connection.lock().await;
        let ended = sqlx::query("rollback").execute(&mut *connection).await;
        drop(connection);
        self.broken = ended.is_err();
    }
}

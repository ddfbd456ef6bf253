//! Group commit on PostgreSQL: concurrent transactions of this node share one wait for the disk.
//!
//! The head of a tenant's audit log is one row, locked from the append to the commit. If every commit waited for the disk, a
//! tenant could make only one change per wait. So when several transactions are open, a commit does not wait
//! (`synchronous_commit=off`) and releases its locks at once. Then one small transaction, which does wait, has PostgreSQL flush
//! its write-ahead log for all of them. No transaction reports success before that flush. The log is written in request, so a
//! transaction that builds on unflushed data is flushed later still.
//!
//! A connection that was lost says nothing about commits made before it was opened: the transactions that wait then report a
//! failure.
use crate::{Event, Result, db::write_transaction::WriteTransaction, error::lost};
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{sleep, timeout},
};

/// Flushes PostgreSQL's write-ahead log up to this point, by a message that nothing reads.
const FLUSH: &str = "select pg_logical_emit_message(true, 'castellan', '')";

const RECONNECT_DELAY: Duration = Duration::from_millis(500);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const FLUSH_TIMEOUT: Duration = Duration::from_secs(15);

/// Runs the shared flushes on a connection of its own, opened on first use.
#[derive(Clone)]
pub(crate) struct GroupCommitter {
    requests: mpsc::UnboundedSender<Request>,
    /// Number of the present connection, counted from 1; 0 while there is none.
    connection: Arc<AtomicU64>,
    /// Whether a connection was requested.
    wanted: Arc<AtomicBool>,
    /// Number of open transactions.
    writers: Arc<AtomicUsize>,
}

enum Request {
    Connect,
    Flush(PendingFlush),
    End(End),
}

/// The reason why a connection ends.
enum End {
    /// The database was unreachable.
    Broken,
    /// The store closes; the sender confirms it.
    Closed(oneshot::Sender<()>),
}

/// A transaction that was committed and is not flushed yet.
struct PendingFlush {
    /// The connection that must still be the present one.
    connection: u64,
    outcome_sender: oneshot::Sender<Result<()>>,
}

/// A transaction that writes, rolled back unless [`Turn::commit`] is called.
pub(crate) struct Turn {
    transaction: WriteTransaction,
    connection: u64,
    flusher: GroupCommitter,
    _open: OpenTransaction,
}

/// Counts an open transaction.
struct OpenTransaction(Arc<AtomicUsize>);

impl Drop for OpenTransaction {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Turn {
    /// Returns the connection for a statement.
    pub(crate) async fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.transaction.connection().await
    }

    pub(crate) async fn lift_deadline(&mut self) -> Result<(), sqlx::Error> {
        self.transaction.lift_deadline().await
    }

    /// Returns when the changes are on disk and `events` are published.
    pub(crate) async fn commit(self, events: &[Event]) -> Result<()> {
        let grouped = self.is_grouped();
        self.transaction.commit(events, !grouped).await?;
        if !grouped {
            return Ok(());
        }
        let (outcome_sender, outcome) = oneshot::channel();
        self.flusher.request(Request::Flush(PendingFlush { connection: self.connection, outcome_sender }))?;
        outcome.await.unwrap_or_else(|_| Err(lost()))
    }

    /// Returns whether other transactions are open, and the flush connection has lasted since this one began.
    fn is_grouped(&self) -> bool {
        if self.flusher.writers.load(Ordering::Relaxed) < 2 {
            return false;
        }
        let connection = self.flusher.connection.load(Ordering::Relaxed);
        if connection == 0 {
            self.flusher.request_connection();
        }
        connection != 0 && connection == self.connection
    }
}

impl GroupCommitter {
    /// Creates a committer that connects by `options`.
    pub(crate) fn new(options: PgConnectOptions) -> Self {
        let (requests, received) = mpsc::unbounded_channel();
        let flusher = Self { requests, connection: Arc::default(), wanted: Arc::default(), writers: Arc::default() };
        let (connection, wanted) = (Arc::clone(&flusher.connection), Arc::clone(&flusher.wanted));
        tokio::spawn(serve(options, received, connection, wanted));
        flusher
    }

    /// Registers a transaction that has just begun.
    pub(crate) fn take(&self, transaction: WriteTransaction) -> Turn {
        self.writers.fetch_add(1, Ordering::Relaxed);
        let open = OpenTransaction(Arc::clone(&self.writers));
        let connection = self.connection.load(Ordering::Relaxed);
        Turn { transaction, connection, flusher: self.clone(), _open: open }
    }

    /// Requests a connection.
    fn request_connection(&self) {
        if !self.wanted.swap(true, Ordering::Relaxed) {
            let _ = self.request(Request::Connect); // closed, it gets none
        }
    }

    /// Replaces the connection after an outage.
    pub(crate) fn reconnect(&self) {
        // Closed, it needs no connection.
        let _ = self.request(Request::End(End::Broken));
    }

    /// Closes its connection.
    pub(crate) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.request(Request::End(End::Closed(done))).is_ok() {
            let _ = closed.await; // it has ended by itself
        }
    }

    fn request(&self, request: Request) -> Result<()> {
        self.requests.send(request).map_err(|_| lost())
    }
}

/// Opens a connection whenever one is requested, until the store closes.
async fn serve(
    options: PgConnectOptions,
    mut requests: mpsc::UnboundedReceiver<Request>,
    current: Arc<AtomicU64>,
    wanted: Arc<AtomicBool>,
) {
    let mut number = 0;
    while let Some(request) = requests.recv().await {
        match request {
            Request::Connect => {}
            Request::Flush(waiting) => {
                let _ = waiting.outcome_sender.send(Err(lost())); // the caller may be gone
                continue;
            }
            Request::End(End::Broken) => continue,
            Request::End(End::Closed(done)) => {
                let _ = done.send(()); // the caller may be gone
                return;
            }
        }
        let connection = timeout(CONNECT_TIMEOUT, options.connect()).await.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        let connection = match connection {
            Ok(connection) => connection,
            Err(error) => {
                tracing::warn!(%error, "no connection for changes that come together; each waits for the disk");
                sleep(RECONNECT_DELAY).await;
                wanted.store(false, Ordering::Relaxed);
                continue;
            }
        };
        number += 1;
        current.store(number, Ordering::Relaxed);
        let end = connected(connection, number, &mut requests).await;
        current.store(0, Ordering::Relaxed);
        wanted.store(false, Ordering::Relaxed);
        if let End::Closed(done) = end {
            let _ = done.send(()); // as above
            return;
        }
    }
}

/// Serves flush requests until the connection ends.
async fn connected(mut connection: PgConnection, number: u64, requests: &mut mpsc::UnboundedReceiver<Request>) -> End {
    let mut end = None;
    while end.is_none() {
        let mut group = vec![];
        // Without senders the connection is not needed.
        let mut next = Some(requests.recv().await.unwrap_or_else(|| Request::End(End::Closed(oneshot::channel().0))));
        while let Some(request) = next {
            match request {
                Request::Connect => {} // it has one
                Request::Flush(waiting) if waiting.connection == number => group.push(waiting),
                Request::Flush(waiting) => drop(waiting.outcome_sender.send(Err(lost()))), // the caller may be gone
                Request::End(ends) => end = Some(ends),
            }
            next = requests.try_recv().ok();
        }
        if !group.is_empty() && !flush(&mut connection, group).await {
            end = end.or(Some(End::Broken));
        }
    }
    let _ = timeout(CONNECT_TIMEOUT, connection.close()).await; // it ends either way
    end.unwrap_or(End::Broken)
}

/// Flushes once for the whole group, and returns whether the connection lasted.
async fn flush(connection: &mut PgConnection, group: Vec<PendingFlush>) -> bool {
    let flushed = timeout(FLUSH_TIMEOUT, sqlx::query(FLUSH).execute(connection)).await;
    let flushed = flushed.unwrap_or(Err(sqlx::Error::PoolTimedOut));
    if let Err(error) = &flushed {
        tracing::error!(%error, "the database did not say whether what was written is on its disk");
    }
    for PendingFlush { outcome_sender, .. } in group {
        let outcome = if flushed.is_ok() { Ok(()) } else { Err(lost()) };
        let _ = outcome_sender.send(outcome); // the caller may be gone
    }
    flushed.is_ok()
}

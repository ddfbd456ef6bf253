//! Group commit on PostgreSQL: concurrent transactions of this node share one wait for the disk.
//!
//! The end of a tenant's audit log is one row, locked from a record to its commit. If every commit waited for the disk, the
//! changes of a tenant would come one a wait. So where several are under way a commit does not wait (`synchronous_commit=off`),
//! and its locks go at once. Then one small transaction, which does wait, has PostgreSQL put its log on the disk for all of
//! them. Nobody is told of their commit before that; and as that log is written in order, whoever builds on what is not on the
//! disk yet is told later still.
//!
//! A connection that broke says nothing of what was committed before it was made: then whoever waits is told of a failure.
use crate::{Event, Result, db::events, error::lost};
use sqlx::{ConnectOptions, Connection, PgConnection, Postgres, Transaction, postgres::PgConnectOptions};
use std::{
    ops::{Deref, DerefMut},
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

/// What has a transaction commit without a wait for the disk, and announce `$1`.
const LATER: &str = "select set_config('synchronous_commit', 'off', true),
    (select count(pg_notify('castellan', payload)) from unnest($1::text[]) payload)";
/// What has PostgreSQL write its log up to here: a message that nobody reads.
const FLUSH: &str = "select pg_logical_emit_message(true, 'castellan', '')";

/// Between two attempts to reach the database, how long one may take, and how long it may keep silent.
const PAUSE: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_secs(15);

/// RowAccess to the shared waits, with a connection of its own from when it is first wanted.
#[derive(Clone)]
pub(crate) struct GroupCommitter {
    orders: mpsc::UnboundedSender<Order>,
    /// Which connection it has, counted from 1; 0 while it has none.
    connection: Arc<AtomicU64>,
    /// Whether it was told that it should have one.
    wanted: Arc<AtomicBool>,
    /// How many transactions are under way.
    writers: Arc<AtomicUsize>,
}

enum Order {
    Connect,
    Flush(Waiting),
    End(End),
}

/// How it is with a connection in the end.
enum End {
    /// The database was away: what is left of the connection is worth nothing.
    Broken,
    /// Nobody needs it any more; whom to tell.
    Closed(oneshot::Sender<()>),
}

/// A transaction that was committed and is not on the disk yet.
struct Waiting {
    /// The connection that must have lasted.
    connection: u64,
    told: oneshot::Sender<Result<()>>,
}

/// A transaction that writes. Dropped without [`Turn::commit`], nothing of it has happened.
pub(crate) struct Turn {
    transaction: Transaction<'static, Postgres>,
    connection: u64,
    flusher: GroupCommitter,
    _under_way: UnderWay,
}

/// Counts a transaction for as long as it is there.
struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Deref for Turn {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.transaction
    }
}

impl DerefMut for Turn {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }
}

impl Turn {
    /// Returns when what was written is on the disk and `events` are announced.
    pub(crate) async fn commit(mut self, events: Vec<Event>) -> Result<()> {
        if !self.has_company() {
            events::announce(&mut self, &events).await?;
            return Ok(self.transaction.commit().await?);
        }
        sqlx::query(LATER).bind(events::payloads(&events)).execute(&mut *self.transaction).await?;
        self.transaction.commit().await?;
        let (told, outcome) = oneshot::channel();
        self.flusher.order(Order::Flush(Waiting { connection: self.connection, told }))?;
        outcome.await.unwrap_or_else(|_| Err(lost()))
    }

    /// Whether others are under way, and whoever waits for the disk has had its connection since this one began.
    fn has_company(&self) -> bool {
        if self.flusher.writers.load(Ordering::Relaxed) < 2 {
            return false;
        }
        let connection = self.flusher.connection.load(Ordering::Relaxed);
        if connection == 0 {
            self.flusher.want();
        }
        connection != 0 && connection == self.connection
    }
}

impl GroupCommitter {
    /// One that reaches the database by `options`.
    pub(crate) fn new(options: PgConnectOptions) -> Self {
        let (orders, given) = mpsc::unbounded_channel();
        let flusher = Self { orders, connection: Arc::default(), wanted: Arc::default(), writers: Arc::default() };
        let (connection, wanted) = (Arc::clone(&flusher.connection), Arc::clone(&flusher.wanted));
        tokio::spawn(serve(options, given, connection, wanted));
        flusher
    }

    /// Takes a transaction that has just begun.
    pub(crate) fn take(&self, transaction: Transaction<'static, Postgres>) -> Turn {
        self.writers.fetch_add(1, Ordering::Relaxed);
        let under_way = UnderWay(Arc::clone(&self.writers));
        let connection = self.connection.load(Ordering::Relaxed);
        Turn { transaction, connection, flusher: self.clone(), _under_way: under_way }
    }

    /// From now on it is worth a connection.
    fn want(&self) {
        if !self.wanted.swap(true, Ordering::Relaxed) {
            let _ = self.order(Order::Connect); // closed, it gets none
        }
    }

    /// The database was away for a moment.
    pub(crate) fn reconnect(&self) {
        // Closed, it needs no connection.
        let _ = self.order(Order::End(End::Broken));
    }

    /// Closes its connection.
    pub(crate) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.order(Order::End(End::Closed(done))).is_ok() {
            let _ = closed.await; // it has ended by itself
        }
    }

    fn order(&self, order: Order) -> Result<()> {
        self.orders.send(order).map_err(|_| lost())
    }
}

/// One connection after the other, each when it is wanted, until it is closed.
async fn serve(
    options: PgConnectOptions,
    mut orders: mpsc::UnboundedReceiver<Order>,
    current: Arc<AtomicU64>,
    wanted: Arc<AtomicBool>,
) {
    let mut number = 0;
    while let Some(order) = orders.recv().await {
        match order {
            Order::Connect => {}
            Order::Flush(waiting) => {
                let _ = waiting.told.send(Err(lost())); // who committed may have gone
                continue;
            }
            Order::End(End::Broken) => continue,
            Order::End(End::Closed(done)) => {
                let _ = done.send(()); // who closed it may have gone
                return;
            }
        }
        let connection = timeout(PATIENCE, options.connect()).await.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        let connection = match connection {
            Ok(connection) => connection,
            Err(error) => {
                tracing::warn!(%error, "no connection for changes that come together; each waits for the disk");
                sleep(PAUSE).await;
                wanted.store(false, Ordering::Relaxed);
                continue;
            }
        };
        number += 1;
        current.store(number, Ordering::Relaxed);
        let end = connected(connection, number, &mut orders).await;
        current.store(0, Ordering::Relaxed);
        wanted.store(false, Ordering::Relaxed);
        if let End::Closed(done) = end {
            let _ = done.send(()); // as above
            return;
        }
    }
}

/// Until the connection ends.
async fn connected(mut connection: PgConnection, number: u64, orders: &mut mpsc::UnboundedReceiver<Order>) -> End {
    let mut end = None;
    while end.is_none() {
        let mut group = vec![];
        // Without anybody who could order something, nobody needs it.
        let mut next = Some(orders.recv().await.unwrap_or_else(|| Order::End(End::Closed(oneshot::channel().0))));
        while let Some(order) = next {
            match order {
                Order::Connect => {} // it has one
                Order::Flush(waiting) if waiting.connection == number => group.push(waiting),
                Order::Flush(waiting) => drop(waiting.told.send(Err(lost()))), // who committed may have gone
                Order::End(ends) => end = Some(ends),
            }
            next = orders.try_recv().ok();
        }
        if !group.is_empty() && !flush(&mut connection, group).await {
            end = end.or(Some(End::Broken));
        }
    }
    let _ = timeout(PATIENCE, connection.close()).await; // it ends either way
    end.unwrap_or(End::Broken)
}

/// Waits for the disk once for all of them; says whether the connection lasted.
async fn flush(connection: &mut PgConnection, group: Vec<Waiting>) -> bool {
    let flushed = timeout(SILENCE, sqlx::query(FLUSH).execute(connection)).await;
    let flushed = flushed.unwrap_or(Err(sqlx::Error::PoolTimedOut));
    if let Err(error) = &flushed {
        tracing::error!(%error, "the database did not say whether what was written is on its disk");
    }
    for Waiting { told, .. } in group {
        let outcome = if flushed.is_ok() { Ok(()) } else { Err(lost()) };
        let _ = told.send(outcome); // who committed may have gone
    }
    flushed.is_ok()
}

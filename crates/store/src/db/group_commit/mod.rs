//! Group commit on SQLite: transactions that wait for each other share one physical commit and its wait for the disk.
//!
//! SQLite has one writer, and a durable commit (`synchronous=FULL`) waits for the disk. So the first of several transactions
//! does not commit at once: it queues again, behind all that wait by then. They write into the same physical transaction, each
//! within its own savepoint, and when the first one's turn comes again a single commit makes all of them durable. No transaction
//! reports success, and no event is published, before that. When nothing waits, the commit follows at once.
//!
//! A spawned task completes each turn, even if the future that requested it is dropped.
use crate::{Error, Event, Result, db::event_bus::EventBus, error::lost};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteQueryResult},
};
use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Mutex, OwnedMutexGuard, oneshot},
    time::timeout,
};

const MAX_GROUP_SIZE: usize = 64;
/// How long the first transaction of a group waits for others.
const MAX_GROUP_AGE: Duration = Duration::from_millis(25);

/// The single writer: gives out turns in the order of the requests.
#[derive(Clone)]
pub(crate) struct Writer {
    state: Arc<Mutex<WriterState>>,
    /// How long a transaction may wait, for its turn and for another process's writer together.
    wait_limit: Duration,
}

/// State of the writer; holding its lock is having the turn.
struct WriterState {
    options: SqliteConnectOptions,
    /// Absent before the first turn, and after a failure: then SQLite itself undoes what was not committed.
    connection: Option<Arc<Mutex<SqliteConnection>>>,
    group: Option<Group>,
    /// How many groups there have been.
    groups: u64,
    events: EventBus,
    closed: bool,
}

/// The transactions that wait for the next commit.
struct Group {
    number: u64,
    members: Vec<PendingCommit>,
    /// Whether the last one's savepoint is still open. The next one begins with its release, which fails where SQLite has given
    /// up the whole transaction by itself; a commit releases it, too.
    open: bool,
}

/// A finished transaction that waits for the group's commit.
struct PendingCommit {
    since: Instant,
    events: Vec<Event>,
    outcome_sender: oneshot::Sender<Result<()>>,
}

/// A transaction during its turn, rolled back unless [`Member::commit`] is called.
pub(crate) struct Member {
    connection: OwnedMutexGuard<SqliteConnection>,
    keep: oneshot::Sender<PendingCommit>,
}

impl Deref for Member {
    type Target = SqliteConnection;
    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Member {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

impl Member {
    /// Ends the turn, and returns when the changes are on disk and `events` are published.
    pub(crate) async fn commit(self, events: Vec<Event>) -> Result<()> {
        let (outcome_sender, outcome) = oneshot::channel();
        let Self { connection, keep } = self;
        drop(connection);
        keep.send(PendingCommit { since: Instant::now(), events, outcome_sender }).map_err(|_| lost())?;
        outcome.await.unwrap_or_else(|_| Err(lost()))
    }
}

impl Writer {
    /// Creates a writer that publishes on `events`. Its connection is opened at the first turn.
    pub(crate) fn new(options: SqliteConnectOptions, events: EventBus, wait_limit: Duration) -> Self {
        let state = WriterState { options, connection: None, group: None, groups: 0, events, closed: false };
        Self { state: Arc::new(Mutex::new(state)), wait_limit }
    }

    /// Waits for a turn. Returns `Busy` after the limit.
    pub(crate) async fn begin(&self) -> Result<Member> {
        let deadline = Instant::now() + self.wait_limit;
        let turn = Arc::clone(&self.state).lock_owned();
        let state = timeout(self.wait_limit, turn).await.map_err(|_| Error::Busy)?;
        if state.closed {
            return Err(sqlx::Error::PoolClosed.into());
        }
        let (ready, member) = oneshot::channel();
        tokio::spawn(self.clone().run_turn(state, deadline, ready));
        member.await.map_err(|_| lost())?
    }

    /// Waits for a turn, commits the open group, and closes the connection: SQLite folds its write-ahead log
    /// into the database file.
    pub(crate) async fn close(&self) {
        let mut state = self.state.lock().await;
        state.closed = true;
        if state.group.is_some() {
            state.commit().await;
        }
        if let Some(connection) = state.connection.take().and_then(Arc::into_inner)
            && let Err(error) = connection.into_inner().close().await
        {
            tracing::warn!(%error, "the database was not closed in order; it is put in order when it is opened");
        }
    }

    /// Runs one turn to its end.
    async fn run_turn(
        self,
        mut state: OwnedMutexGuard<WriterState>,
        deadline: Instant,
        ready: oneshot::Sender<Result<Member>>,
    ) {
        let leads = state.group.is_none();
        let connection = match state.open(deadline).await {
            Ok(connection) => connection,
            Err(error) => {
                state.fail(&error);
                return drop(ready.send(Err(error))); // the caller may be gone
            }
        };
        let (keep, pending) = oneshot::channel();
        // If the caller is gone, the member is dropped here and leaves nothing to commit.
        drop(ready.send(Ok(Member { connection, keep })));
        let ended = match pending.await {
            Ok(pending) => {
                state.keep(pending);
                Ok(())
            }
            Err(_) => state.undo(leads).await,
        };
        if let Err(error) = ended {
            return state.fail(&error);
        }
        let Some(number) = state.group.as_ref().map(|group| group.number) else { return };
        if leads {
            drop(state);
            state = self.state.lock_owned().await;
        }
        let (ours, full) =
            state.group.as_ref().map_or((false, false), |group| (group.number == number, group.is_full()));
        if ours && (leads || full) {
            state.commit().await;
        }
    }
}

impl WriterState {
    /// Begins a savepoint, and a transaction around it where none is open. Waiting for another process's writer belongs
    /// to beginning: a read that becomes a write later would fail at once.
    async fn open(&mut self, deadline: Instant) -> Result<OwnedMutexGuard<SqliteConnection>> {
        if let Some(group) = &mut self.group {
            let before = std::mem::replace(&mut group.open, true);
            self.run(if before { "release member; savepoint member" } else { "savepoint member" }).await?;
        } else {
            if self.connection.is_none() {
                self.connection = Some(Arc::new(Mutex::new(self.options.connect().await?)));
            }
            let left = deadline.saturating_duration_since(Instant::now()).as_millis();
            let begin = format!("pragma busy_timeout = {left}; begin immediate; savepoint member");
            sqlx::raw_sql(AssertSqlSafe(begin)).execute(&mut *self.lock().await?).await?;
            self.groups += 1;
            self.group = Some(Group { number: self.groups, members: vec![], open: true });
        }
        self.lock().await
    }

    fn keep(&mut self, pending: PendingCommit) {
        if let Some(group) = &mut self.group {
            group.members.push(pending);
        }
    }

    /// Rolls back a member; the first member of a group ends the whole transaction, which holds nothing else.
    async fn undo(&mut self, leads: bool) -> Result<()> {
        if leads {
            self.group = None;
            return self.run("rollback").await.map(drop);
        }
        if let Some(group) = &mut self.group {
            group.open = false;
        }
        // Where SQLite has given up the whole transaction by itself (a full disk), this fails, and so does the group.
        self.run("rollback to member; release member").await.map(drop)
    }

    /// Commits the group, publishes its events, and reports success to its members.
    async fn commit(&mut self) {
        match self.run("commit").await {
            Err(error) => self.fail(&error),
            Ok(_) => {
                for PendingCommit { events, outcome_sender, .. } in
                    self.group.take().into_iter().flat_map(|group| group.members)
                {
                    for event in events {
                        self.events.publish(event);
                    }
                    let _ = outcome_sender.send(Ok(())); // the caller may be gone
                }
            }
        }
    }

    /// Reports failure to the group. The connection is dropped, and SQLite rolls back.
    fn fail(&mut self, error: &Error) {
        if self.group.is_none() && matches!(error, Error::Busy) {
            return; // another process holds the write lock; the connection is still good
        }
        tracing::error!(%error, "the database did not take what was written");
        self.connection = None;
        for PendingCommit { outcome_sender, .. } in self.group.take().into_iter().flat_map(|group| group.members) {
            let again = match error {
                Error::Busy => Error::Busy,
                Error::Full => Error::Full,
                other => not_written(other),
            };
            let _ = outcome_sender.send(Err(again)); // the caller may be gone
        }
    }

    async fn run(&self, sql: &'static str) -> Result<SqliteQueryResult> {
        Ok(sqlx::query(sql).execute(&mut *self.lock().await?).await?)
    }

    async fn lock(&self) -> Result<OwnedMutexGuard<SqliteConnection>> {
        let connection = self.connection.as_ref().ok_or_else(lost)?;
        Ok(Arc::clone(connection).lock_owned().await)
    }
}

impl Group {
    fn is_full(&self) -> bool {
        self.members.len() >= MAX_GROUP_SIZE
            || self.members.first().is_some_and(|first| first.since.elapsed() >= MAX_GROUP_AGE)
    }
}

fn not_written(error: &Error) -> Error {
    Error::Database(sqlx::Error::Protocol(format!("the commit that was shared failed: {error}")))
}

#[cfg(test)]
mod tests;

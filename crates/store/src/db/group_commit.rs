//! The one writer of SQLite: transactions that wait for each other share a commit, and with it the wait for the disk.
//!
//! SQLite has one writer, and a commit that lasts (`synchronous=FULL`) waits for the disk. So the first of several
//! transactions does not commit at once: it lines up again, behind all who wait by then. They write into the same physical
//! transaction, each within a savepoint of its own, and when its turn comes again one commit makes all of it so. Nobody is
//! told of their commit, and nothing is announced, before that; where nobody waits, the commit follows at once.
//!
//! A task of its own sees each turn through to its end, whatever becomes of the future that asked for it.
use crate::{Error, Event, Result, db::event_bus::EventBus, error::lost};
use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
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

/// How long a transaction waits for its turn.
const PATIENCE: Duration = Duration::from_secs(15);
/// So many transactions share a commit at most.
const MOST: usize = 64;
/// After so long the first of a group waits no longer for others.
const LONGEST: Duration = Duration::from_millis(25);

/// Gives turns at the one connection that writes, in the order in which they were asked for.
#[derive(Clone)]
pub(crate) struct Writer(Arc<Mutex<Pen>>);

/// Who holds it has the turn.
struct Pen {
    options: SqliteConnectOptions,
    /// Absent before the first turn, and after a failure: then SQLite itself undoes what was not committed.
    connection: Option<Arc<Mutex<SqliteConnection>>>,
    group: Option<Group>,
    /// How many groups there were.
    groups: u64,
    events: EventBus,
    closed: bool,
}

/// The transactions that wait for the next commit.
struct Group {
    number: u64,
    members: Vec<Kept>,
    /// Whether the last one's savepoint is still open. The next one begins with its release, which fails where SQLite has given
    /// up the whole transaction by itself; a commit releases it, too.
    open: bool,
}

/// What a transaction leaves behind that is to be committed.
struct Kept {
    since: Instant,
    events: Vec<Event>,
    told: oneshot::Sender<Result<()>>,
}

/// A transaction during its turn. Dropped without [`Member::commit`], nothing of it has happened.
pub(crate) struct Member {
    connection: OwnedMutexGuard<SqliteConnection>,
    keep: oneshot::Sender<Kept>,
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
    /// Ends the turn, and returns when what was written is on the disk and `events` are announced.
    pub(crate) async fn commit(self, events: Vec<Event>) -> Result<()> {
        let (told, outcome) = oneshot::channel();
        let Self { connection, keep } = self;
        drop(connection);
        keep.send(Kept { since: Instant::now(), events, told }).map_err(|_| lost())?;
        outcome.await.unwrap_or_else(|_| Err(lost()))
    }
}

impl Writer {
    /// A writer that announces on `events`. Its connection is opened at the first turn.
    pub(crate) fn new(options: SqliteConnectOptions, events: EventBus) -> Self {
        let pen = Pen { options, connection: None, group: None, groups: 0, events, closed: false };
        Self(Arc::new(Mutex::new(pen)))
    }

    /// Waits for the turn.
    pub(crate) async fn begin(&self) -> Result<Member> {
        let pen = timeout(PATIENCE, Arc::clone(&self.0).lock_owned()).await.map_err(|_| Error::Busy)?;
        if pen.closed {
            return Err(sqlx::Error::PoolClosed.into());
        }
        let (ready, member) = oneshot::channel();
        tokio::spawn(self.clone().see_through(pen, ready));
        member.await.map_err(|_| lost())?
    }

    /// Waits for the turn, commits what still waits for that, and closes the connection: SQLite folds its write-ahead log
    /// into the database file.
    pub(crate) async fn close(&self) {
        let mut pen = self.0.lock().await;
        pen.closed = true;
        if pen.group.is_some() {
            pen.commit().await;
        }
        if let Some(connection) = pen.connection.take().and_then(Arc::into_inner)
            && let Err(error) = connection.into_inner().close().await
        {
            tracing::warn!(%error, "the database was not closed in order; it is put in order when it is opened");
        }
    }

    /// One turn.
    async fn see_through(self, mut pen: OwnedMutexGuard<Pen>, ready: oneshot::Sender<Result<Member>>) {
        let leads = pen.group.is_none();
        let connection = match pen.open().await {
            Ok(connection) => connection,
            Err(error) => {
                pen.fail(&error);
                return drop(ready.send(Err(error))); // who asked may have gone
            }
        };
        let (keep, kept) = oneshot::channel();
        // If who asked has gone, the member is dropped here and gives nothing to keep.
        drop(ready.send(Ok(Member { connection, keep })));
        let ended = match kept.await {
            Ok(kept) => {
                pen.keep(kept);
                Ok(())
            }
            Err(_) => pen.undo(leads).await,
        };
        if let Err(error) = ended {
            return pen.fail(&error);
        }
        let Some(number) = pen.group.as_ref().map(|group| group.number) else { return };
        if leads {
            drop(pen);
            pen = self.0.lock_owned().await;
        }
        let (ours, full) = pen.group.as_ref().map_or((false, false), |group| (group.number == number, group.is_full()));
        if ours && (leads || full) {
            pen.commit().await;
        }
    }
}

impl Pen {
    /// Begins a savepoint, and a transaction around it where none is open. Waiting for another process's writer belongs
    /// to beginning: a read that becomes a write later would fail at once.
    async fn open(&mut self) -> Result<OwnedMutexGuard<SqliteConnection>> {
        if let Some(group) = &mut self.group {
            let before = std::mem::replace(&mut group.open, true);
            self.run(if before { "release member; savepoint member" } else { "savepoint member" }).await?;
        } else {
            if self.connection.is_none() {
                self.connection = Some(Arc::new(Mutex::new(self.options.connect().await?)));
            }
            self.run("begin immediate; savepoint member").await?;
            self.groups += 1;
            self.group = Some(Group { number: self.groups, members: vec![], open: true });
        }
        let connection = self.connection.as_ref().ok_or_else(lost)?;
        Ok(Arc::clone(connection).lock_owned().await)
    }

    fn keep(&mut self, kept: Kept) {
        if let Some(group) = &mut self.group {
            group.members.push(kept);
        }
    }

    /// Takes back what a member wrote and did not commit; without other members there is nothing left to commit.
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

    /// Makes it so for the whole group, announces it, and tells everybody.
    async fn commit(&mut self) {
        match self.run("commit").await {
            Err(error) => self.fail(&error),
            Ok(_) => {
                for Kept { events, told, .. } in self.group.take().into_iter().flat_map(|group| group.members) {
                    for event in events {
                        self.events.publish(event);
                    }
                    let _ = told.send(Ok(())); // who committed may have gone
                }
            }
        }
    }

    /// Nothing of the group has happened. The connection is thrown away, and SQLite undoes what it had not committed.
    fn fail(&mut self, error: &Error) {
        if self.group.is_none() && matches!(error, Error::Busy) {
            return; // another process writes for too long; the connection is as good as before
        }
        tracing::error!(%error, "the database did not take what was written");
        self.connection = None;
        for Kept { told, .. } in self.group.take().into_iter().flat_map(|group| group.members) {
            let again = match error {
                Error::Busy => Error::Busy,
                Error::Full => Error::Full,
                other => not_written(other),
            };
            let _ = told.send(Err(again)); // who committed may have gone
        }
    }

    async fn run(&self, sql: &'static str) -> Result<SqliteQueryResult> {
        let mut connection = self.connection.as_ref().ok_or_else(lost)?.lock().await;
        Ok(sqlx::query(sql).execute(&mut *connection).await?)
    }
}

impl Group {
    fn is_full(&self) -> bool {
        self.members.len() >= MOST || self.members.first().is_some_and(|first| first.since.elapsed() >= LONGEST)
    }
}

fn not_written(error: &Error) -> Error {
    Error::Database(sqlx::Error::Protocol(format!("the commit that was shared failed: {error}")))
}

#[cfg(test)]
mod tests;

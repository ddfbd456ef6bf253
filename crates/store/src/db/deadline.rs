//! Deadline of a transaction on PostgreSQL: the queue for a connection and all statements together wait no longer than the limit.
//!
//! PostgreSQL limits each statement, or each lock, by itself. So its limit is lowered as the transaction uses up its time. This takes a
//! round trip, but only in transactions that have waited.
use sqlx::{AssertSqlSafe, Executor, PgConnection};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long a transaction may wait, on both databases.
pub(crate) const WAIT_LIMIT: Duration = Duration::from_secs(15);
/// By how much a statement may exceed the deadline.
const PRECISION: Duration = Duration::from_millis(500);

/// The deadline of one transaction.
pub(crate) struct Deadline {
    at: Instant,
    /// The setting of PostgreSQL that limits its statements.
    setting: &'static str,
    /// The value of the setting.
    allowed: Duration,
}

impl Deadline {
    /// Returns the deadline of a snapshot that begins now. Only its waits for locks are limited: some read for long, and a snapshot waits
    /// for each table once.
    pub(crate) fn of_snapshot(limit: Duration) -> Self {
        Self { at: Instant::now() + limit, setting: "lock_timeout", allowed: limit }
    }

    /// Returns the deadline of a change that begins now. Its statements are limited, because one of them can wait for several locks: for
    /// its place in the queue of a row, and then for the row.
    pub(crate) fn of_change(limit: Duration) -> Self {
        Self { at: Instant::now() + limit, setting: "statement_timeout", allowed: limit }
    }

    pub(crate) fn at(&self) -> Instant {
        self.at
    }

    /// Returns the time until the deadline.
    pub(crate) fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// Returns the statement that sets PostgreSQL's limit in a transaction to the time that is left.
    pub(crate) fn limit(&mut self) -> String {
        self.allowed = self.left();
        format!("set local {} = {}", self.setting, milliseconds(self.allowed))
    }

    /// Lowers PostgreSQL's limit to the time that is left, if it differs; fails with `PoolTimedOut` after the deadline.
    pub(crate) async fn lower(&mut self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let left = self.left();
        if left.is_zero() {
            return Err(sqlx::Error::PoolTimedOut);
        }
        if self.allowed > left + PRECISION {
            connection.execute(AssertSqlSafe(self.limit())).await?;
        }
        Ok(())
    }
}

/// Awaits the begin of a transaction; fails with `PoolTimedOut` at its deadline.
pub(crate) async fn before<T>(
    deadline: Instant,
    begin: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    timeout_at(deadline, begin).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

/// Returns a duration as a setting of PostgreSQL, where 0 would mean no limit.
pub(crate) fn milliseconds(duration: Duration) -> String {
    duration.as_millis().max(1).to_string()
}

//! Write transactions on PostgreSQL: their share of the connections, their deadline, and their commit.
use crate::{
    Event,
    db::{
        deadline::{Deadline, WAIT_LIMIT, milliseconds},
        notify::notify_sql,
        row_access::RowAccess,
    },
};
use sqlx::{AssertSqlSafe, Executor, PgConnection, Postgres, pool::PoolConnection};
use tokio::sync::OwnedSemaphorePermit;

/// A transaction that writes, rolled back unless [`WriteTransaction::commit`] is called. It begins and ends with a single round trip, because
/// others wait for its locks; the library's transactions would take more.
pub(crate) struct WriteTransaction {
    /// `None` after the commit.
    connection: Option<PoolConnection<Postgres>>,
    /// `None` after it was lifted.
    deadline: Option<Deadline>,
    share: Option<OwnedSemaphorePermit>,
}

impl WriteTransaction {
    pub(crate) async fn begin(
        connection: PoolConnection<Postgres>,
        share: OwnedSemaphorePermit,
        mut deadline: Deadline,
        sees: RowAccess,
    ) -> Result<Self, sqlx::Error> {
        let sql = sees.begin(&format!("begin; {}", deadline.limit()));
        let mut begun = Self { connection: Some(connection), deadline: Some(deadline), share: Some(share) };
        begun.connection().await?.execute(AssertSqlSafe(sql)).await?;
        Ok(begun)
    }

    /// Returns the connection for a statement, which can wait until the deadline.
    pub(crate) async fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        let connection = self.connection.as_deref_mut().ok_or(sqlx::Error::PoolClosed)?;
        if let Some(deadline) = &mut self.deadline {
            deadline.lower(connection).await?;
        }
        Ok(connection)
    }

    /// Lifts the deadline; each wait for a lock remains limited.
    pub(crate) async fn lift_deadline(&mut self) -> Result<(), sqlx::Error> {
        let sql = format!("set local lock_timeout = {}; set local statement_timeout = 0", self.lock_timeout());
        self.connection().await?.execute(AssertSqlSafe(sql)).await?;
        self.deadline = None;
        Ok(())
    }

    /// Returns the time until the deadline as a setting.
    fn lock_timeout(&self) -> String {
        milliseconds(self.deadline.as_ref().map_or(WAIT_LIMIT, Deadline::left))
    }

    /// Commits, and publishes `events` with the commit. Without `flush`, it does not wait for the disk.
    ///
    /// The commit has no limit but for its locks: PostgreSQL reports the success of a commit whose wait for a standby is cut.
    pub(crate) async fn commit(mut self, events: &[Event], flush: bool) -> Result<(), sqlx::Error> {
        let (lock_timeout, notify) = (self.lock_timeout(), notify_sql(events));
        let unflushed = if flush { "" } else { "set local synchronous_commit = off; " };
        let sql = format!(
            "{unflushed}{notify}set local lock_timeout = {lock_timeout}; set local statement_timeout = 0; commit"
        );
        self.connection().await?.execute(AssertSqlSafe(sql)).await?;
        self.connection = None;
        Ok(())
    }
}

impl Drop for WriteTransaction {
    /// Rolls back. If the caller dropped a statement that waits, it occupies the connection until PostgreSQL ends it, and so the share.
    fn drop(&mut self) {
        let (connection, share) = (self.connection.take(), self.share.take());
        if let Some(mut connection) = connection {
            tokio::spawn(async move {
                // Of an abandoned statement that fails, this is the error, and the rollback was not sent.
                if connection.execute("rollback").await.is_err() {
                    let _ = connection.close().await; // it ends either way
                }
                drop(share);
            });
        }
    }
}

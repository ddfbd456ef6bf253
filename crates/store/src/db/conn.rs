//! Open connections of both databases, and the macros through which each statement runs.
use crate::{
    Result,
    db::{group_commit::Member, group_commit_postgres::Turn, readers::Reader},
};
use sqlx::{PgConnection, Postgres, SqliteConnection, Transaction, pool::PoolConnection};
use std::ops::{Deref, DerefMut};

/// A transaction on whichever database is open.
pub(crate) enum Conn {
    Sqlite(SqliteConn),
    Postgres(PostgresConn),
}

/// A SQLite connection: a pooled reader, or a turn of the single writer.
pub(crate) enum SqliteConn {
    Read(Reader),
    Write(Member),
}

impl Deref for SqliteConn {
    type Target = SqliteConnection;
    fn deref(&self) -> &SqliteConnection {
        match self {
            Self::Read(reader) => reader,
            Self::Write(member) => member,
        }
    }
}

impl DerefMut for SqliteConn {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Read(reader) => reader,
            Self::Write(member) => member,
        }
    }
}

/// A PostgreSQL connection: a snapshot, a connection for one query, or a transaction of a group commit.
pub(crate) enum PostgresConn {
    Read(Transaction<'static, Postgres>),
    SingleQuery(PoolConnection<Postgres>),
    Write(Turn),
}

impl PostgresConn {
    /// Returns the connection for a statement.
    pub(crate) async fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        match self {
            Self::Read(tx) => Ok(tx),
            Self::SingleQuery(connection) => Ok(connection),
            Self::Write(turn) => turn.connection().await,
        }
    }
}

impl Conn {
    /// Lifts the deadline of a write transaction that may run for long. On SQLite, the deadline covers only the begin.
    pub(crate) async fn lift_deadline(&mut self) -> Result<()> {
        if let Self::Postgres(PostgresConn::Write(turn)) = self {
            turn.lift_deadline().await?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Conn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite(_) => "Conn::Sqlite",
            Self::Postgres(_) => "Conn::Postgres",
        })
    }
}

/// Evaluates an expression with the open connection, whichever the database is.
macro_rules! with_connection {
    ($conn:expr, |$c:ident| $body:expr) => {
        match &mut $conn {
            $crate::db::conn::Conn::Sqlite(tx) => {
                let $c = &mut **tx;
                $body
            }
            $crate::db::conn::Conn::Postgres(tx) => match tx.connection().await {
                Ok($c) => $body,
                Err(error) => Err(error.into()),
            },
        }
    };
}
pub(crate) use with_connection;

/// Runs a statement and observes its duration.
macro_rules! timed {
    ($run:expr) => {{
        let started = std::time::Instant::now();
        let done = $run;
        $crate::metrics::metrics().observe($crate::metrics::DatabaseStep::Statement, started);
        done
    }};
}
pub(crate) use timed;

/// Runs a statement that is not limited to one tenant. Only for the files that `tests/it/sources.rs` lists.
macro_rules! unscoped_query {
    ($conn:expr, execute, $sql:expr $(, $arg:expr)* $(,)?) => {
        $crate::db::conn::timed!($crate::db::conn::with_connection!($conn, |c| sqlx::query($sql)
            $(.bind($crate::db::column::Column::raw($arg)))*
            .execute(c).await.map(|done| done.rows_affected()).map_err($crate::Error::from)))
    };
    ($conn:expr, $type:ty, $how:ident, $sql:expr $(, $arg:expr)* $(,)?) => {
        $crate::db::conn::timed!($crate::db::conn::with_connection!($conn, |c| sqlx::query_as::<_, $type>($sql)
            $(.bind($crate::db::column::Column::raw($arg)))*
            .$how(c).await.map_err($crate::Error::from)))
    };
}
pub(crate) use unscoped_query;

/// Runs a statement on the rows of the connection's tenant: `$1` is bound to the tenant, and a text that does not
/// use it does not compile.
macro_rules! tenant_query {
    ($self:ident, execute, $sql:expr $(, $arg:expr)* $(,)?) => {{
        const _: () = assert!($crate::db::conn::is_scoped($sql), "the statement is not scoped to a tenant");
        $crate::db::conn::unscoped_query!($self.conn, execute, $sql, $self.tenant $(, $arg)*)
    }};
    ($self:ident, $type:ty, $how:ident, $sql:expr $(, $arg:expr)* $(,)?) => {{
        const _: () = assert!($crate::db::conn::is_scoped($sql), "the statement is not scoped to a tenant");
        $crate::db::conn::unscoped_query!($self.conn, $type, $how, $sql, $self.tenant $(, $arg)*)
    }};
}
pub(crate) use tenant_query;

/// Returns whether a statement compares `tenant_id` with `$1`, or inserts it.
pub(crate) const fn is_scoped(sql: &str) -> bool {
    contains(sql, "tenant_id = $1") || (contains(sql, "(tenant_id,") && contains(sql, "($1,"))
}

const fn contains(text: &str, needle: &str) -> bool {
    let (text, needle) = (text.as_bytes(), needle.as_bytes());
    let mut at = 0;
    while at + needle.len() <= text.len() {
        let mut same = 0;
        while same < needle.len() && text[at + same] == needle[same] {
            same += 1;
        }
        if same == needle.len() {
            return true;
        }
        at += 1;
    }
    false
}

//! Transactions of one tenant, and the macros through which each of its statements runs.
use crate::{
    Error, Event, Result, Store, Topic,
    db::{group_commit::Member, group_commit_postgres::Turn, open::RowAccess, readers::Reader},
    security::SecurityLogEntry,
    tasks::TitlePrefixes,
};
use domain::{
    Action, Actor, Allowed, Denied, TenantId, Timestamp,
    audit::{Entry, Outcome},
};
use sqlx::{PgConnection, Postgres, SqliteConnection, Transaction, pool::PoolConnection};
use std::ops::{Deref, DerefMut};
use uuid::Uuid;

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

impl Deref for PostgresConn {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        match self {
            Self::Read(tx) => tx,
            Self::SingleQuery(connection) => connection,
            Self::Write(turn) => turn,
        }
    }
}

impl DerefMut for PostgresConn {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Read(tx) => tx,
            Self::SingleQuery(connection) => connection,
            Self::Write(turn) => turn,
        }
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

impl Conn {
    /// Commits without publishing events.
    pub(crate) async fn commit(self) -> Result<()> {
        crate::db::events::commit(self, vec![]).await
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
            $crate::db::conn::Conn::Postgres(tx) => {
                let $c = &mut **tx;
                $body
            }
        }
    };
}
pub(crate) use with_connection;

/// Runs a statement that is not limited to one tenant. Only for the files that `tests/it/sources.rs` lists.
macro_rules! unscoped_query {
    ($conn:expr, execute, $sql:expr $(, $arg:expr)* $(,)?) => {
        $crate::db::conn::with_connection!($conn, |c| sqlx::query($sql)
            $(.bind($crate::db::column::Column::raw($arg)))*
            .execute(c).await.map(|done| done.rows_affected()).map_err($crate::Error::from))
    };
    ($conn:expr, $type:ty, $how:ident, $sql:expr $(, $arg:expr)* $(,)?) => {
        $crate::db::conn::with_connection!($conn, |c| sqlx::query_as::<_, $type>($sql)
            $(.bind($crate::db::column::Column::raw($arg)))*
            .$how(c).await.map_err($crate::Error::from))
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

/// A read-only snapshot of one tenant for one actor.
#[derive(Debug)]
pub struct Read {
    pub(crate) tenant: TenantId,
    pub(crate) actor: Actor,
    pub(crate) conn: Conn,
    /// The last search text and its search terms.
    pub(crate) title_prefixes: Option<(String, Option<TitlePrefixes>)>,
}

/// A transaction of one actor in one tenant, rolled back unless [`Write::commit`] is called.
#[derive(Debug)]
pub struct Write {
    pub(crate) tenant: TenantId,
    pub(crate) actor: Actor,
    pub(crate) conn: Conn,
    pub(crate) now: Timestamp,
    pub(crate) store: Store,
    /// Security events among its audit events, logged after the commit.
    pub(crate) security_log: Vec<SecurityLogEntry>,
    events: Vec<Event>,
}

impl Store {
    /// Opens a snapshot of the actor's tenant.
    pub async fn read(&self, actor: &Actor) -> Result<Read> {
        let conn = self.begin_read(RowAccess::Tenant(actor.tenant)).await?;
        Ok(Read { tenant: actor.tenant, actor: actor.clone(), conn, title_prefixes: None })
    }

    /// Opens a transaction in the actor's tenant.
    pub async fn write(&self, actor: &Actor) -> Result<Write> {
        Ok(self.writing(self.begin_write(RowAccess::Tenant(actor.tenant)).await?, actor))
    }

    /// Wraps an open transaction.
    pub(crate) fn writing(&self, conn: Conn, actor: &Actor) -> Write {
        let (tenant, now) = (actor.tenant, self.now());
        Write { tenant, actor: actor.clone(), conn, now, store: self.clone(), security_log: vec![], events: vec![] }
    }

    /// Asks the policy. A refusal is recorded in the audit log before this returns.
    pub async fn authorize<A: Action>(&self, actor: &Actor, action: A) -> Result<Allowed<A>> {
        match actor.may(action) {
            Ok(proof) => Ok(proof),
            Err(denied) => Err(self.refuse(actor, denied).await?),
        }
    }

    /// Records a refusal, in a transaction of its own.
    pub async fn refuse(&self, actor: &Actor, denied: Denied) -> Result<Error> {
        let mut write = self.write(actor).await?;
        let entry = Entry::refused(actor, &denied, write.now, salt()?);
        write.record(entry).await?;
        write.commit().await?;
        Ok(Error::Denied(denied))
    }
}

impl Write {
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Returns the time of this transaction, the same for all that it writes.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Commits, then publishes the queued events and logs the security events.
    pub async fn commit(self) -> Result<()> {
        crate::db::events::commit(self.conn, self.events).await?;
        self.security_log.iter().for_each(SecurityLogEntry::log);
        Ok(())
    }

    /// Queues an event that is published after the commit.
    pub(crate) fn publish(&mut self, topic: Topic, id: Uuid) {
        let event = Event { tenant: self.tenant, topic, id };
        if !self.events.contains(&event) {
            self.events.push(event);
        }
    }

    /// Returns the audit entry of an allowed action, to which the caller may add details.
    pub(crate) fn entry<A: Action>(&self, proof: &Allowed<A>) -> Result<Entry> {
        Ok(Entry::of(proof, self.now, salt()?))
    }

    /// Appends an audit event for something that the policy does not decide.
    pub(crate) async fn note(
        &mut self,
        action: &str,
        target: (&str, String),
        outcome: Outcome,
        detail: serde_json::Value,
    ) -> Result<()> {
        let entry = self.event(action, target, outcome, detail)?;
        self.record(entry).await
    }

    /// Returns the audit entry for something that the policy does not decide.
    pub(crate) fn event(
        &self,
        action: &str,
        target: (&str, String),
        outcome: Outcome,
        detail: serde_json::Value,
    ) -> Result<Entry> {
        Ok(Entry::event(&self.actor, action, target, outcome, detail, self.now, salt()?))
    }
}

/// Returns random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Error::Unusable("the operating system gave no randomness".into()))?;
    Ok(bytes)
}

fn salt() -> Result<[u8; 16]> {
    random()
}

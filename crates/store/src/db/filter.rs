//! Statements assembled at run time from filters, and keyset pagination.
use crate::{
    Result,
    db::conn::{Conn, is_scoped, timed, with_connection},
};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

/// One page of a list, newest first, and the cursor of the next page.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// The `after` cursor of the next page; `None` at the end.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Builds a page from `limit + 1` rows: the extra row shows that there is a next page.
    pub(crate) fn cut(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(cursor);
        Self { items, next }
    }
}

/// A bound value of a condition.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    Uuid(Uuid),
    Text(String),
    Int(i64),
    Bool(bool),
    Bytes([u8; 32]),
    MaybeUuid(Option<Uuid>),
    MaybeText(Option<String>),
}

/// A statement assembled at run time. Its text comes from this crate only, and values are always bound.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    sql: String,
    args: Vec<Arg>,
}

/// Binds the values of a statement and runs it on the open connection.
macro_rules! run {
    ($statement:ident, $conn:ident, $query:expr, $how:ident $(, $then:expr)?) => {{
        debug_assert!(is_scoped(&$statement.sql), "the statement is not scoped to a tenant");
        with_connection!(*$conn, |c| {
            let mut query = $query(AssertSqlSafe($statement.sql));
            for arg in $statement.args {
                query = match arg {
                    Arg::Uuid(value) => query.bind(value),
                    Arg::Text(value) => query.bind(value),
                    Arg::Int(value) => query.bind(value),
                    Arg::Bool(value) => query.bind(value),
                    Arg::Bytes(value) => query.bind(value.to_vec()),
                    Arg::MaybeUuid(value) => query.bind(value),
                    Arg::MaybeText(value) => query.bind(value),
                };
            }
            Ok(timed!(query.$how(c).await)$(.map($then))??)
        })
    }};
}

impl Statement {
    /// Starts with a text that uses `$1` (the tenant) and one placeholder per further argument.
    pub(crate) fn new(sql: &'static str, args: Vec<Arg>) -> Self {
        Self { sql: sql.to_owned(), args }
    }

    /// Appends a text in which `?` is the placeholder of `arg`.
    pub(crate) fn push(&mut self, sql: &'static str, arg: Arg) {
        self.args.push(arg);
        self.sql.push_str(&sql.replace('?', &format!("${}", self.args.len())));
    }

    /// Appends a text without a value.
    pub(crate) fn push_text(&mut self, sql: &'static str) {
        self.sql.push_str(sql);
    }

    pub(crate) async fn fetch<T>(self, conn: &mut Conn) -> Result<Vec<T>>
    where
        T: for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow>
            + for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>
            + Send
            + Unpin,
    {
        run!(self, conn, sqlx::query_as::<_, T>, fetch_all)
    }

    pub(crate) async fn execute(self, conn: &mut Conn) -> Result<()> {
        run!(self, conn, sqlx::query, execute, drop)
    }
}

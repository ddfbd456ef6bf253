//! Bulk inserts: many rows of one table in few statements.
use crate::{Result, db::conn::Conn};
use domain::{ApprovalId, OrganizationId, PersonId, TaskId, TenantId};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

/// Maximum number of bound values per statement; the limit of SQLite is 32,766.
const BINDS: usize = 30_000;

pub(super) enum Value {
    Uuid(Option<Uuid>),
    Text(Option<String>),
    Int(Option<i64>),
    Bytes(Vec<u8>),
    Bool(bool),
}

macro_rules! values {
    ($($type:ty => |$value:ident| $made:expr),* $(,)?) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self { $made }
        }
    )*};
}
values! {
    TenantId => |id| Self::Uuid(Some(id.0)),
    OrganizationId => |id| Self::Uuid(Some(id.0)),
    PersonId => |id| Self::Uuid(Some(id.0)),
    TaskId => |id| Self::Uuid(Some(id.0)),
    ApprovalId => |id| Self::Uuid(Some(id.0)),
    String => |text| Self::Text(Some(text)),
    i64 => |number| Self::Int(Some(number)),
    Vec<u8> => |bytes| Self::Bytes(bytes),
}

/// Rows of `COLUMNS` values for one table.
pub(super) struct Table<const COLUMNS: usize> {
    into: &'static str,
    rows: Vec<[Value; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub(super) fn new(into: &'static str) -> Self {
        Self { into, rows: vec![] }
    }

    pub(super) fn push(&mut self, row: [Value; COLUMNS]) {
        self.rows.push(row);
    }

    pub(super) async fn write(self, conn: &mut Conn) -> Result<()> {
        let mut rows = self.rows.into_iter().peekable();
        while rows.peek().is_some() {
            let rows: Vec<_> = rows.by_ref().take(BINDS / COLUMNS).collect();
            let sql = format!("insert into {} values {}", self.into, places(conn, rows.len(), COLUMNS));
            macro_rules! run {
                ($connection:expr) => {{
                    let mut query = sqlx::query(AssertSqlSafe(sql));
                    for value in rows.into_iter().flatten() {
                        query = match value {
                            Value::Uuid(value) => query.bind(value),
                            Value::Text(value) => query.bind(value),
                            Value::Int(value) => query.bind(value),
                            Value::Bytes(value) => query.bind(value),
                            Value::Bool(value) => query.bind(value),
                        };
                    }
                    query.execute($connection).await?;
                }};
            }
            match conn {
                Conn::Sqlite(tx) => run!(&mut **tx),
                Conn::Postgres(tx) => run!(tx.connection().await?),
            }
        }
        Ok(())
    }
}

/// Returns `($1, $2), ($3, $4)`, or `(?, ?), (?, ?)` for SQLite, which searches numbered parameters one by one.
fn places(conn: &Conn, rows: usize, columns: usize) -> String {
    let place = |at| match conn {
        Conn::Sqlite(_) => "?".to_owned(),
        Conn::Postgres(_) => format!("${at}"),
    };
    let row = |row| (1..=columns).map(|column| place(row * columns + column)).collect::<Vec<_>>().join(", ");
    (0..rows).map(|number| format!("({})", row(number))).collect::<Vec<_>>().join(", ")
}

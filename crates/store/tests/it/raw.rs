//! Raw database connections that bypass the store.
use crate::world::World;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};
use uuid::Uuid;

pub enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// A column as the database lists it.
#[derive(Debug)]
pub struct ColumnInfo {
    pub table: String,
    pub name: String,
    /// The type, in lower case.
    pub kind: String,
}

/// Evaluates an expression for either database.
macro_rules! either {
    ($raw:expr, |$c:ident| $body:expr) => {
        match $raw {
            Raw::Sqlite($c) => $body,
            Raw::Postgres($c) => $body,
        }
    };
}

impl Raw {
    /// Connects as the store's role; on PostgreSQL with access to all tenants, as `crates/store/src/system/` has.
    pub async fn of(world: &World) -> Self {
        let mut raw = Self::outside(world).await;
        if let Self::Postgres(_) = raw {
            raw.run("set castellan.system = 'on'").await.unwrap();
        }
        raw
    }

    /// Connects to another PostgreSQL database, with access to all tenants.
    pub async fn at(url: &str) -> Self {
        let mut raw = Self::Postgres(PgConnection::connect(url).await.unwrap());
        raw.run("set castellan.system = 'on'").await.unwrap();
        raw
    }

    /// Connects as [`Self::of`] does, without setting a tenant.
    pub async fn outside(world: &World) -> Self {
        if world.is_sqlite() {
            Self::Sqlite(SqliteConnection::connect(&world.url).await.unwrap())
        } else {
            Self::Postgres(PgConnection::connect(&world.url).await.unwrap())
        }
    }

    pub async fn run(&mut self, sql: &str) -> Result<u64, sqlx::Error> {
        let sql = AssertSqlSafe(sql.to_owned());
        either!(self, |c| sqlx::query(sql).execute(c).await.map(|done| done.rows_affected()))
    }

    pub async fn number(&mut self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        either!(self, |c| sqlx::query_scalar(sql).fetch_one(c).await.unwrap())
    }

    /// Returns the first column of every row.
    pub async fn texts(&mut self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        either!(self, |c| {
            let rows = sqlx::query(sql).fetch_all(c).await.unwrap();
            rows.iter().map(|row| row.get::<String, _>(0)).collect()
        })
    }

    /// Returns an id as an SQL literal.
    pub fn id(&self, id: Uuid) -> String {
        match self {
            Self::Sqlite(_) => format!("x'{}'", id.simple()),
            Self::Postgres(_) => format!("'{id}'::uuid"),
        }
    }

    /// Returns every column of the tables whose names begin with `prefix`, in the order of the schema.
    pub async fn columns(&mut self, prefix: &str) -> Vec<ColumnInfo> {
        let sql = match self {
            Self::Sqlite(_) => format!(
                "select t.name || ' ' || c.name || ' ' || lower(c.type) from sqlite_master t join pragma_table_info(t.name) c
                 where t.type = 'table' and t.name like '{prefix}%' order by t.name, c.cid"
            ),
            Self::Postgres(_) => format!(
                "select table_name || ' ' || column_name || ' ' || data_type from information_schema.columns
                 where table_schema = current_schema() and table_name like '{prefix}%' order by table_name, ordinal_position"
            ),
        };
        let parts = |line: String| {
            let mut words = line.splitn(3, ' ').map(str::to_owned);
            let mut next = || words.next().unwrap();
            ColumnInfo { table: next(), name: next(), kind: next() }
        };
        self.texts(&sql).await.into_iter().map(parts).collect()
    }

    /// Returns another value for a column as SQL: one of another row, none, or a made-up one.
    pub fn other_value(&self, column: &ColumnInfo, how: usize, number: usize) -> String {
        let ColumnInfo { table, name, kind } = column;
        let made_up = match (kind.as_str(), self) {
            ("text", _) => format!("'{number}'"),
            ("bigint", _) => format!("{number}"),
            ("uuid", _) => self.id(Uuid::from_u128(u128::try_from(number).unwrap())),
            ("blob", _) if name.ends_with("_id") => self.id(Uuid::from_u128(u128::try_from(number).unwrap())),
            ("blob", _) => format!("x'{number:064}'"),
            ("bytea", _) => format!("decode('{number:064}', 'hex')"),
            (other, _) => panic!("{table}.{name} has the type {other}, which this test does not know"),
        };
        let another = |order: &str| {
            format!("(select o.{name} from {table} o where o.{name} is not null order by 1 {order} limit 1)")
        };
        match how {
            0 => another("asc"),
            1 => another("desc"),
            2 => "null".into(),
            _ => made_up,
        }
    }

    /// Drops the trigger that protects the audit log, as the owner of the database can.
    pub async fn unguard(&mut self) {
        let statements: &[&str] = match self {
            Self::Sqlite(_) => &["drop trigger audit_no_update", "drop trigger audit_no_delete"],
            Self::Postgres(_) => &["drop trigger audit_append_only on audit"],
        };
        for sql in statements {
            self.run(sql).await.unwrap();
        }
    }
}

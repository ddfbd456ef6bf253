//! Raw database connections that bypass the store.
use crate::world::World;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};
use uuid::Uuid;

pub enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
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

//! Transfer of one table: its rows streamed from one database, inserted in batches into the other, and a digest of both.
use super::cells::Cells;
use crate::{
    Result, Store,
    db::{
        column::row_type,
        conn::{Conn, unscoped_query},
    },
};
use futures::TryStreamExt;
use sha2::{Digest as _, Sha256};
use sqlx::AssertSqlSafe;

/// Number of rows per insert statement.
const BATCH: u64 = 500;

row_type! {
    /// A column as described by PostgreSQL.
    pub struct ColumnDescription {
        pub name: String,
        /// Name of the column's type.
        pub data_type: String,
    }
}

/// A table's name and columns, read from the schema.
#[derive(Debug)]
pub(super) struct Table {
    name: &'static str,
    columns: Vec<ColumnDescription>,
}

/// A digest over all rows, independent of their order, because databases sort text differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Digest {
    pub rows: u64,
    sum: [u8; 32],
}

impl Digest {
    fn add(&mut self, row: Sha256) {
        self.rows += 1;
        self.sum.iter_mut().zip(row.finalize()).for_each(|(sum, byte)| *sum ^= byte);
    }
}

/// Reads every row of `$sql`, computes its digest and runs `$after`.
macro_rules! each_row {
    ($conn:expr, $sql:expr, $cells:expr, $take:ident, |$digest:ident| $after:expr) => {{
        let mut rows = sqlx::query(AssertSqlSafe($sql)).fetch($conn);
        while let Some(row) = rows.try_next().await? {
            let mut $digest = Sha256::new();
            for (at, column) in $cells.iter_mut().enumerate() {
                column.$take(&row, at, &mut $digest)?;
            }
            $after
        }
    }};
}

impl Table {
    /// Reads the table's columns from PostgreSQL, without generated ones.
    pub(super) async fn read(store: &Store, name: &'static str) -> Result<Self> {
        let mut conn = store.system().read().await?;
        let columns = unscoped_query!(
            conn,
            ColumnDescription,
            fetch_all,
            "select column_name::text as name, data_type::text as data_type from information_schema.columns
             where table_schema = current_schema() and table_name = $1 and is_generated = 'NEVER' order by ordinal_position",
            name.to_owned()
        )?;
        Ok(Self { name, columns })
    }

    /// Copies the rows of `source` that `target` lacks; returns the digest of all rows in `source`.
    pub(super) async fn copy(&self, source: &mut Conn, target: &Store) -> Result<Digest> {
        let (mut cells, mut all) = (self.cells()?, Digest::default());
        if let Conn::Sqlite(tx) = source {
            each_row!(&mut **tx, self.select(), cells, take_sqlite, |row| {
                all.add(row);
                if all.rows.is_multiple_of(BATCH) {
                    self.insert(target, &mut cells).await?;
                }
            });
            self.insert(target, &mut cells).await?;
        }
        Ok(all)
    }

    async fn insert(&self, target: &Store, cells: &mut [Cells]) -> Result<()> {
        let arrays: Vec<_> =
            (1..).zip(&self.columns).map(|(n, column)| format!("${n}::{}[]", column.data_type)).collect();
        let (table, names) = (self.name, self.names());
        let sql =
            format!("insert into {table} ({names}) select * from unnest({}) on conflict do nothing", arrays.join(", "));
        let mut conn = target.system().write().await?;
        conn.lift_deadline().await?; // rows can be large
        if let Conn::Postgres(target) = &mut conn {
            let query = cells.iter_mut().fold(sqlx::query(AssertSqlSafe(sql)), |query, cells| cells.bind(query));
            query.execute(target.connection().await?).await?;
        }
        conn.commit().await
    }

    /// Returns the digest of all rows in a database.
    pub(super) async fn digest(&self, conn: &mut Conn) -> Result<Digest> {
        let (mut cells, mut all) = (self.cells()?, Digest::default());
        let mut forget = |cells: &mut [Cells], row| {
            all.add(row);
            cells.iter_mut().for_each(Cells::clear);
        };
        match conn {
            Conn::Sqlite(tx) => each_row!(&mut **tx, self.select(), cells, take_sqlite, |row| forget(&mut cells, row)),
            Conn::Postgres(tx) => {
                each_row!(tx.connection().await?, self.select(), cells, take_postgres, |row| forget(&mut cells, row))
            }
        }
        Ok(all)
    }

    fn cells(&self) -> Result<Vec<Cells>> {
        self.columns.iter().map(|column| Cells::of(&column.data_type)).collect()
    }

    fn names(&self) -> String {
        self.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn select(&self) -> String {
        format!("select {} from {}", self.names(), self.name)
    }
}

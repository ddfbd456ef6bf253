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

/// How many rows go in one statement.
const BATCH: u64 = 500;

row_type! {
    /// A column as PostgreSQL describes it.
    pub struct Described {
        pub name: String,
        /// The name of its type.
        pub data_type: String,
    }
}

/// A table's name and columns, taken from the schema and from nobody else.
#[derive(Debug)]
pub(super) struct Table {
    name: &'static str,
    columns: Vec<Described>,
}

/// Of all rows, in whatever order they come: databases order text differently.
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

/// Reads every row of `$sql`, tells a digest of each, and hands it to `$after`.
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
    /// As `store`, which is PostgreSQL, describes it. What a database works out by itself is left out.
    pub(super) async fn read(store: &Store, name: &'static str) -> Result<Self> {
        let mut conn = store.system().read().await?;
        let columns = unscoped_query!(
            conn,
            Described,
            fetch_all,
            "select column_name::text as name, data_type::text as data_type from information_schema.columns
             where table_schema = current_schema() and table_name = $1 and is_generated = 'NEVER' order by ordinal_position",
            name.to_owned()
        )?;
        Ok(Self { name, columns })
    }

    /// Copies every row of `source` that `target` does not have; of all that `source` has.
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
        if let Conn::Postgres(target) = &mut conn {
            let query = cells.iter_mut().fold(sqlx::query(AssertSqlSafe(sql)), |query, cells| cells.bind(query));
            query.execute(&mut **target).await?;
        }
        conn.commit().await
    }

    /// Of all that is in a database.
    pub(super) async fn digest(&self, conn: &mut Conn) -> Result<Digest> {
        let (mut cells, mut all) = (self.cells()?, Digest::default());
        let mut forget = |cells: &mut [Cells], row| {
            all.add(row);
            cells.iter_mut().for_each(Cells::clear);
        };
        match conn {
            Conn::Sqlite(tx) => each_row!(&mut **tx, self.select(), cells, take_sqlite, |row| forget(&mut cells, row)),
            Conn::Postgres(tx) => {
                each_row!(&mut **tx, self.select(), cells, take_postgres, |row| forget(&mut cells, row))
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

//! Typed columns of values, in the types that both databases have.
use crate::{Error, Result};
use sha2::{Digest, Sha256};
use sqlx::{
    Postgres, Row,
    postgres::{PgArguments, PgRow},
    query::Query,
    sqlite::SqliteRow,
};
use uuid::Uuid;

/// Values of one column, each nullable.
#[derive(Clone, Debug)]
pub(super) enum Cells {
    Ids(Vec<Option<Uuid>>),
    Numbers(Vec<Option<i64>>),
    Flags(Vec<Option<bool>>),
    Texts(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

/// Reads the value at a position of a row and adds it to the digest.
macro_rules! take {
    ($cells:expr, $row:expr, $at:expr, $digest:expr) => {
        match $cells {
            Cells::Ids(values) => {
                values.push(digest_value($row.try_get::<Option<Uuid>, _>($at)?, $digest, |id| id.as_bytes().as_slice()))
            }
            Cells::Numbers(values) => {
                let value: Option<i64> = $row.try_get($at)?;
                digest_value(value.map(i64::to_be_bytes), $digest, |bytes| bytes.as_slice());
                values.push(value);
            }
            Cells::Flags(values) => {
                let value: Option<bool> = $row.try_get($at)?;
                digest_value(value.map(|flag| [u8::from(flag)]), $digest, |bytes| bytes.as_slice());
                values.push(value);
            }
            Cells::Texts(values) => {
                values.push(digest_value($row.try_get::<Option<String>, _>($at)?, $digest, |text| text.as_bytes()))
            }
            Cells::Bytes(values) => {
                values.push(digest_value($row.try_get::<Option<Vec<u8>>, _>($at)?, $digest, |bytes| bytes.as_slice()))
            }
        }
    };
}

impl Cells {
    /// Returns an empty column for a PostgreSQL type name.
    pub(super) fn of(data_type: &str) -> Result<Self> {
        Ok(match data_type {
            "uuid" => Self::Ids(vec![]),
            "bigint" => Self::Numbers(vec![]),
            "boolean" => Self::Flags(vec![]),
            "text" => Self::Texts(vec![]),
            "bytea" => Self::Bytes(vec![]),
            _ => return Err(Error::Corrupt("a column's type")),
        })
    }

    pub(super) fn take_sqlite(&mut self, row: &SqliteRow, at: usize, digest: &mut Sha256) -> Result<()> {
        take!(self, row, at, digest);
        Ok(())
    }

    pub(super) fn take_postgres(&mut self, row: &PgRow, at: usize, digest: &mut Sha256) -> Result<()> {
        take!(self, row, at, digest);
        Ok(())
    }

    /// Binds the values to a statement as an array and clears the column.
    pub(super) fn bind<'q>(&mut self, query: Query<'q, Postgres, PgArguments>) -> Query<'q, Postgres, PgArguments> {
        match self {
            Self::Ids(values) => query.bind(std::mem::take(values)),
            Self::Numbers(values) => query.bind(std::mem::take(values)),
            Self::Flags(values) => query.bind(std::mem::take(values)),
            Self::Texts(values) => query.bind(std::mem::take(values)),
            Self::Bytes(values) => query.bind(std::mem::take(values)),
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            Self::Ids(values) => values.clear(),
            Self::Numbers(values) => values.clear(),
            Self::Flags(values) => values.clear(),
            Self::Texts(values) => values.clear(),
            Self::Bytes(values) => values.clear(),
        }
    }
}

/// Adds a value to the digest; null differs from empty, and values are delimited.
fn digest_value<T>(value: Option<T>, digest: &mut Sha256, bytes: impl Fn(&T) -> &[u8]) -> Option<T> {
    match &value {
        None => digest.update([0]),
        Some(value) => {
            let bytes = bytes(value);
            digest.update([1]);
            digest.update(bytes.len().to_be_bytes());
            digest.update(bytes);
        }
    }
    value
}

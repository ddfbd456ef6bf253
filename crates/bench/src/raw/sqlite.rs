//! SQLite baseline: one row, one commit and one sync per transaction.
use crate::spread::rate;
use anyhow::Result;
use sqlx::{
    ConnectOptions, Connection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Returns the rate of commits of a row as large as an audit record, with a write-ahead log and `synchronous=FULL`.
///
/// # Errors
/// Fails if the disk is full or fails.
pub async fn commits(folder: &Path, span: Duration) -> Result<f64> {
    let place = tempfile::tempdir_in(folder)?;
    let options = SqliteConnectOptions::new()
        .filename(place.path().join("raw.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut raw = options.connect().await?;
    sqlx::query("create table record (seq integer primary key, body text not null)").execute(&mut raw).await?;
    let (body, begin, mut count) = ("x".repeat(1_000), Instant::now(), 0);
    while begin.elapsed() < span {
        let mut tx = raw.begin_with("begin immediate").await?;
        sqlx::query("insert into record (body) values ($1)").bind(&body).execute(&mut *tx).await?;
        tx.commit().await?;
        count += 1;
    }
    let made = rate(count, begin.elapsed());
    raw.close().await?;
    Ok(made)
}

//! Backup of the SQLite database: a consistent copy that is made while the database is used, and the verification of a copy.
use crate::{Error, Result, Store, db::open::unusable};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::path::Path;
use uuid::Uuid;

impl Store {
    /// Copies the database into the empty file `into`: all commits up to one moment, without free pages. Writers continue meanwhile.
    /// Returns the last signed checkpoint of each tenant in the copy.
    ///
    /// # Errors
    /// Fails with [`Error::Full`] if the disk of `into` is full, and if the copy is damaged.
    pub async fn copy_to(&self, into: &Path) -> Result<Vec<String>> {
        let options = self.sqlite_options().ok_or(Error::Corrupt("only SQLite is copied"))?;
        let mut conn = options.clone().pragma("query_only", "off").read_only(true).connect().await?;
        sqlx::query("vacuum into $1").bind(into.display().to_string()).execute(&mut conn).await?;
        conn.close().await?;
        let mut copy = open_copy(into).await?;
        verify(&mut copy).await?;
        let sql = "select note from checkpoint where node_id = $1 order by tenant_id";
        let notes = sqlx::query_scalar(sql).bind(Uuid::nil()).fetch_all(&mut copy).await?;
        copy.close().await?;
        Ok(notes)
    }
}

/// Verifies that no page, index or reference of a copy is damaged.
///
/// # Errors
/// Fails with [`Error::Unusable`] and what is damaged.
pub async fn verify_copy(file: &Path) -> Result<()> {
    let mut copy = open_copy(file).await?;
    verify(&mut copy).await?;
    Ok(copy.close().await?)
}

async fn open_copy(file: &Path) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true).pragma("trusted_schema", "off");
    options.connect().await.map_err(|error| unusable(&file.display().to_string(), &error))
}

async fn verify(copy: &mut SqliteConnection) -> Result<()> {
    let damaged = |what: String| Error::Unusable(format!("the copy of the database is damaged: {what}"));
    let found: String = sqlx::query_scalar("pragma integrity_check(1)")
        .fetch_one(&mut *copy)
        .await
        .map_err(|error| damaged(error.to_string()))?;
    if found != "ok" {
        return Err(damaged(found));
    }
    let dangling = sqlx::query("pragma foreign_key_check").fetch_optional(&mut *copy).await;
    match dangling.map_err(|error| damaged(error.to_string()))? {
        None => Ok(()),
        Some(_) => Err(damaged("a row refers to one that does not exist".into())),
    }
}

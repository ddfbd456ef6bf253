//! Database lock: one server on a SQLite database, and none while its data are moved to PostgreSQL. On PostgreSQL there is no lock,
//! because several servers share a database.
use crate::{Error, Result};
use sqlx::sqlite::SqliteConnectOptions;
use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

/// A lock that ends when it is dropped, or with the process.
#[derive(Debug)]
pub struct DatabaseLock {
    /// A file beside the database: closing another descriptor of the database's own file would release SQLite's locks.
    _file: Option<File>,
}

impl DatabaseLock {
    /// Locks the database at `url`.
    ///
    /// # Errors
    /// Fails with [`Error::Unusable`] if another process has the lock, or its file cannot be opened.
    pub fn take(url: &str) -> Result<Self> {
        let Some(mut path) = sqlite_file(url).map(PathBuf::into_os_string) else { return Ok(Self { _file: None }) };
        path.push(".lock");
        let path = PathBuf::from(path);
        let failed = |error: std::io::Error| Error::Unusable(format!("{} cannot be locked: {error}", path.display()));
        let options = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = options.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(Error::Unusable(
                "a server runs on this database, or its data are being moved to PostgreSQL. Stop the server first; nothing was changed"
                    .into(),
            )),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

/// Returns the file of a SQLite address; `None` for PostgreSQL.
pub fn sqlite_file(url: &str) -> Option<PathBuf> {
    let options = url.starts_with("sqlite:").then(|| url.parse::<SqliteConnectOptions>().ok()).flatten()?;
    Some(options.get_filename().to_owned())
}

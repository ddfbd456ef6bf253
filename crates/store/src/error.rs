//! Errors of the store, with messages for the log; `app` and `server` decide what a client sees.
use crate::{Conflict, QuotaExceeded};
use domain::{Denied, Invalid, Timestamp};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the store, with the HTTP status that it becomes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 404: no such thing, or not for this actor.
    #[error("not found")]
    NotFound,
    /// 403: the policy refused; the attempt is in the audit log.
    #[error("denied: {0}")]
    Denied(#[from] Denied),
    /// 422: a value is invalid.
    #[error("invalid: {0}")]
    Invalid(#[from] Invalid),
    /// 409: the change conflicts with the present state.
    #[error("conflict: {0}")]
    Conflict(Conflict),
    /// 409: this many tasks run or wait in an organization that can only be archived without any.
    #[error("{0} tasks run or wait")]
    OpenTasks(i64),
    /// 410: retention deleted the output of a task at this time (M-16).
    #[error("the output was deleted on {0}")]
    OutputDeleted(Timestamp),
    /// 429 or 413: a quota of the person or the tenant is used up for today.
    #[error("exceeded: {0}")]
    Quota(QuotaExceeded),
    /// 503: the database did not answer in time.
    #[error("the database is busy")]
    Busy,
    /// 503: the database's disk is full; a retry does not help.
    #[error("the database's disk is full")]
    Full,
    /// 503: the database failed.
    #[error("database: {0}")]
    Database(sqlx::Error),
    /// The database or a key cannot be used. Only at start; the text says what to do.
    #[error("{0}")]
    Unusable(String),
    /// A stored value cannot be read.
    #[error("stored value: {0}")]
    Corrupt(&'static str),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::PoolTimedOut => Self::Busy,
            // SQLITE_BUSY and its extended codes end in 5; PostgreSQL: lock not available, statement timeout, deadlock, serialization.
            sqlx::Error::Database(inner) => match inner.code().as_deref() {
                Some("5" | "261" | "517" | "55P03" | "57014" | "40P01" | "40001") => Self::Busy,
                // SQLITE_FULL, SQLITE_IOERR_SHMSIZE (the shared memory beside the file cannot grow); PostgreSQL: disk_full.
                Some("13" | "4874" | "53100") => Self::Full,
                // PostgreSQL keeps no NUL in text, so nothing there has one.
                Some("22021") => Self::Invalid(Invalid::new("text", "must not contain NUL")),
                _ if inner.is_foreign_key_violation() => Self::NotFound, // it points to what is not in this tenant
                _ => Self::Database(error),
            },
            _ => Self::Database(error),
        }
    }
}

impl Error {
    /// Returns whether the only reason is that the tenant is frozen.
    pub fn is_frozen(&self) -> bool {
        matches!(self, Self::Conflict(Conflict::TenantFrozen))
    }

    /// Returns whether a unique index refused a row.
    pub(crate) fn is_duplicate(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(inner)) if inner.is_unique_violation())
    }

    /// Whether the unique index `index` on `column` refused a row: PostgreSQL names the index, SQLite the column.
    pub(crate) fn is_duplicate_of(&self, index: &str, column: &str) -> bool {
        let Self::Database(sqlx::Error::Database(inner)) = self else { return false };
        inner.is_unique_violation() && (inner.constraint() == Some(index) || inner.message().contains(column))
    }
}

/// Returns the error for a commit whose outcome is unknown.
pub(crate) fn lost() -> Error {
    Error::Database(sqlx::Error::WorkerCrashed)
}

/// Returns the error for an unreachable database.
pub(crate) fn unavailable() -> Error {
    Error::Database(sqlx::Error::PoolClosed)
}

//! The few statements that look across tenants, each with its reason. Everything else goes through [`crate::Read`] and [`crate::Write`].
mod ceremonies;
mod credential_holder;
pub(crate) mod due_work;
mod figures;
mod first_start;
mod invitations;
mod mail;
mod providers;
mod secrets;
mod sign_in;
mod webhooks;

use crate::{
    Result, Store,
    db::{
        conn::{Conn, with_connection},
        row_access::RowAccess,
    },
};
use domain::Timestamp;
use sqlx::AssertSqlSafe;
use std::time::Duration;

pub use ceremonies::PasskeyHolder;
pub use credential_holder::Holder;
pub use figures::{Figures, Heartbeat, MAX_COUNTED, MAX_RUNNERS, OpenTasks, RunnerCount};
pub use mail::DueMail;
pub use providers::{DecryptedProvider, IdentityHolder};
pub use secrets::KeyHolder;
pub use sign_in::Credential;
pub use webhooks::{Attempt, DueDelivery, MAX_DELIVERY_ATTEMPTS};

/// Statements across tenants.
#[derive(Clone, Copy, Debug)]
pub struct System<'a>(pub(crate) &'a Store);

impl Store {
    /// Returns access to statements across tenants, for sign-in, the command line and due work.
    pub fn system(&self) -> System<'_> {
        System(self)
    }
}

/// Precision of "last used" times; more would be a write per request.
pub const LAST_USED: Duration = Duration::from_mins(1);

impl System<'_> {
    pub(crate) async fn read(&self) -> Result<Conn> {
        self.0.begin_read(RowAccess::All).await
    }

    /// Returns a connection for a single statement without a transaction.
    pub(crate) async fn single_query_conn(&self) -> Result<Conn> {
        self.0.acquire_for_single_query().await
    }

    pub(crate) async fn write(&self) -> Result<Conn> {
        self.0.begin_write(RowAccess::All).await
    }

    /// Analyzes tables that have just been filled. Until autovacuum does so, PostgreSQL plans as if they were empty and
    /// does not use their indexes. SQLite plans by its indexes alone.
    pub(crate) async fn analyze_tables(&self, tables: &[&str]) -> Result<()> {
        if self.0.is_embedded() {
            return Ok(());
        }
        let mut conn = self.single_query_conn().await?; // 'analyze' without a transaction
        let sql = AssertSqlSafe(format!("vacuum (analyze) {}", tables.join(", ")));
        Ok(with_connection!(conn, |c| sqlx::query(sql).execute(c).await.map(drop))?)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.now()
    }
}

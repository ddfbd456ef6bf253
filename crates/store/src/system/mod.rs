//! The few statements that look across tenants, each with its reason. Everything else goes through [`crate::Read`] and [`crate::Write`].
mod ceremonies;
mod due;
mod first;
mod holder;
mod invitations;
mod mail;
mod providers;
mod secrets;
mod sign_in;

use crate::{
    Result, Store,
    db::{
        conn::{Conn, with_connection},
        open::RowAccess,
    },
};
use domain::Timestamp;
use sqlx::AssertSqlSafe;
use std::time::Duration;

pub use ceremonies::PasskeyHolder;
pub use holder::Holder;
pub use mail::DueMail;
pub use providers::{DecryptedProvider, IdentityHolder};
pub use secrets::KeyHolder;
pub use sign_in::Credential;

/// What looks across tenants.
#[derive(Clone, Copy, Debug)]
pub struct System<'a>(&'a Store);

impl Store {
    /// For signing in, the command line and what is due: before a tenant is known, or in all of them.
    pub fn system(&self) -> System<'_> {
        System(self)
    }
}

/// How exactly "last used" is kept: more would be a write for every request.
pub const LAST_USED: Duration = Duration::from_mins(1);

impl System<'_> {
    pub(crate) async fn read(&self) -> Result<Conn> {
        self.0.begin_read(RowAccess::All).await
    }

    /// The same for a single question, such as each request asks.
    pub(crate) async fn ask(&self) -> Result<Conn> {
        self.0.acquire_for_single_query().await
    }

    pub(crate) async fn write(&self) -> Result<Conn> {
        self.0.begin_write(RowAccess::All).await
    }

    /// Has PostgreSQL look at tables that have just been filled: until it does so by itself it plans as if they were empty,
    /// and looks every row up that an index could answer for. SQLite plans by the indexes alone.
    pub(crate) async fn look_at(&self, tables: &[&str]) -> Result<()> {
        if self.0.is_embedded() {
            return Ok(());
        }
        let mut conn = self.ask().await?; // it takes no transaction around it
        let sql = AssertSqlSafe(format!("vacuum (analyze) {}", tables.join(", ")));
        Ok(with_connection!(conn, |c| sqlx::query(sql).execute(c).await.map(drop))?)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.now()
    }
}

//! The few statements that look across tenants, each with its reason. Everything else goes through [`crate::Read`] and [`crate::Write`].
mod ceremonies;
mod due;
mod first;
mod invitations;
mod mail;
mod providers;
mod secrets;
mod sign_in;

use crate::{Result, Store, conn::Conn};
use domain::Timestamp;
use std::time::Duration;

pub use ceremonies::PasskeyHolder;
pub use mail::DueMail;
pub use providers::{IdentityHolder, OpenProvider};
pub use secrets::KeyHolder;
pub use sign_in::{Credential, Holder};

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
const LAST_USED: Duration = Duration::from_mins(1);

impl System<'_> {
    pub(crate) async fn read(&self) -> Result<Conn> {
        let mut conn = self.0.begin_read().await?;
        across(&mut conn).await?;
        Ok(conn)
    }

    pub(crate) async fn write(&self) -> Result<Conn> {
        let mut conn = self.0.begin_write().await?;
        across(&mut conn).await?;
        Ok(conn)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// Tells PostgreSQL's row-level security that this transaction looks across tenants.
async fn across(conn: &mut Conn) -> Result<()> {
    if let Conn::Postgres(tx) = conn {
        sqlx::query("select set_config('castellan.system', 'on', true)").execute(&mut **tx).await?;
    }
    Ok(())
}

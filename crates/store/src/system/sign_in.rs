//! Credential and session lookup: an address or a cookie names no tenant.
use super::{
    LAST_USED, System,
    credential_holder::{Holder, WithHolder, combine_holder_rows, select_with_holder},
};
use crate::{
    NewBrowserSession, Result, Session,
    db::{column::row_type, conn::unscoped_query},
};
use domain::{Actor, BrowserSessionId, Email, PersonId, TenantId, Timestamp};
use std::time::Duration;

/// How long the previous token of a session remains valid.
const PREVIOUS_TOKEN_LIFETIME: Duration = Duration::from_secs(10);

row_type! {
    /// Data to verify a password with.
    pub struct Credential {
        pub tenant_id: TenantId,
        /// The tenant's name.
        pub tenant: String,
        pub id: PersonId,
        /// The password hash (Argon2, PHC form), if set.
        pub password_hash: Option<String>,
        /// When the account was locked; a locked account cannot sign in.
        pub locked_at: Option<Timestamp>,
    }
}

/// A statement that returns [`Credential`] rows. A service account never signs in.
macro_rules! select_credential {
    ($condition:literal) => {
        concat!(
            "select p.tenant_id, tenant.name as tenant, p.id, p.password_hash, p.locked_at from person p join tenant on tenant.id = p.tenant_id
             where p.responsible_id is null and ",
            $condition
        )
    };
}

impl System<'_> {
    /// Returns the accounts with this address, at most one of each tenant, oldest first: a sign-in names no tenant.
    pub async fn credentials(&self, email: &Email) -> Result<Vec<Credential>> {
        let mut conn = self.read().await?;
        let sql = select_credential!("p.email = $1 order by p.id limit 10000");
        unscoped_query!(conn, Credential, fetch_all, sql, email.clone())
    }

    /// Returns the credential of one account.
    pub async fn credential(&self, tenant: TenantId, person: PersonId) -> Result<Option<Credential>> {
        let mut conn = self.read().await?;
        let sql = select_credential!("p.tenant_id = $1 and p.id = $2");
        unscoped_query!(conn, Credential, fetch_optional, sql, tenant, person)
    }

    /// Returns the session of a cookie and its holder: the cookie names no tenant. Expired sessions, and those idle for
    /// longer than `idle`, are not found.
    pub async fn session(&self, token_hash: [u8; 32], idle: Duration) -> Result<Option<(Session, Holder)>> {
        let (mut conn, now) = (self.single_query_conn().await?, self.now());
        let sql = select_with_holder!(
            "browser_session.tenant_id, browser_session.id, browser_session.person_id, browser_session.signed_in_by, browser_session.second_factor_verified, browser_session.authenticated_at,
                browser_session.created_at, browser_session.last_used_at, browser_session.expires_at, browser_session.rotate, "
            from "browser_session join person p on p.tenant_id = browser_session.tenant_id and p.id = browser_session.person_id"
            where "(browser_session.token_hash = $1 or (browser_session.previous_hash = $1 and browser_session.rotated_at > $4))
                and browser_session.expires_at > $2 and browser_session.last_used_at > $3"
        );
        let (used_since, former) = (now.before(idle), now.before(PREVIOUS_TOKEN_LIFETIME));
        let rows = unscoped_query!(conn, WithHolder<Session>, fetch_all, sql, token_hash, now, used_since, former)?;
        Ok(combine_holder_rows(rows))
    }

    /// Records the use of a session, to the minute. Never creates one (E11).
    pub async fn touch_browser_session(&self, session: &Session) -> Result<()> {
        let now = self.now();
        if now.since(session.last_used_at) < LAST_USED {
            return Ok(());
        }
        let mut conn = self.write().await?;
        let sql = "update browser_session set last_used_at = $3 where tenant_id = $1 and id = $2";
        unscoped_query!(conn, execute, sql, session.tenant_id, session.id, now)?;
        conn.commit().await
    }

    /// Replaces the token of a session; returns `false` if it ended or another request replaced it first (E11). The
    /// previous token remains valid for ten seconds, for requests in flight.
    pub async fn rotate_browser_session(
        &self,
        tenant: TenantId,
        id: BrowserSessionId,
        new_hash: [u8; 32],
    ) -> Result<bool> {
        let (mut conn, now) = (self.write().await?, self.now());
        let sql =
            "update browser_session set previous_hash = token_hash, token_hash = $3, rotate = false, rotated_at = $4
             where tenant_id = $1 and id = $2 and rotate";
        let rotated = unscoped_query!(conn, execute, sql, tenant, id, new_hash, now)?;
        conn.commit().await?;
        Ok(rotated > 0)
    }

    /// Opens a session in the tenant found at sign-in.
    pub async fn open_browser_session(&self, actor: &Actor, new: NewBrowserSession) -> Result<()> {
        let mut write = self.0.write(actor).await?;
        write.open_browser_session(new).await?;
        write.commit().await
    }
}

//! Whom an address and a cookie belong to: who signs in names no tenant.
use super::{LAST_USED, System};
use crate::{Error, NewSession, Result, Session, column::record, conn::unscoped};
use domain::{
    Actor, Email, OrganisationId, PersonId, SessionId, TenantId, Timestamp,
    role::{Role, TenantRole},
};
use std::{collections::BTreeMap, time::Duration};

/// How long a session's former token still opens it.
const UNDER_WAY: Duration = Duration::from_secs(10);

record! {
    /// What signing in with a password needs.
    pub struct Credential {
        /// The person's tenant.
        pub tenant_id: TenantId,
        /// The person.
        pub id: PersonId,
        /// The password's hash (Argon2, PHC form), if one was set.
        pub password_hash: Option<String>,
        /// Since when they are locked out, if they are: then nothing signs them in.
        pub locked_at: Option<Timestamp>,
    }
}

/// A person as an actor is made of.
#[derive(Clone, Debug)]
pub struct Holder {
    /// What people call them.
    pub name: String,
    /// Their address.
    pub email: Email,
    /// What they are in the tenant.
    pub tenant_role: TenantRole,
    /// Whether they set up a second factor.
    pub has_factor: bool,
    /// Whether everybody in the tenant must.
    pub everybody: bool,
}

record! {
    /// The same with one of their roles, if they have any.
    pub struct HolderRow {
        /// What people call them.
        pub name: String,
        /// Their address.
        pub email: Email,
        /// What they are in the tenant.
        pub tenant_role: TenantRole,
        /// Whether they set up a second factor.
        pub has_factor: bool,
        /// Whether everybody in the tenant must.
        pub everybody: bool,
        /// Where they have a role.
        pub organisation_id: Option<OrganisationId>,
        /// As what.
        pub role: Option<Role>,
    }
}

impl System<'_> {
    /// Whom an address belongs to: signing in does not name a tenant.
    pub async fn credential(&self, email: &Email) -> Result<Option<Credential>> {
        let mut conn = self.read().await?;
        // A service account never signs in.
        let sql =
            "select tenant_id, id, password_hash, locked_at from person where email = $1 and responsible_id is null";
        unscoped!(conn, Credential, fetch_optional, sql, email.clone())
    }

    /// What a person is now, for an actor: asked at every request, so that a change of rights counts at once.
    /// Who is locked out is not found.
    pub async fn holder(&self, tenant: TenantId, person: PersonId) -> Result<(Holder, BTreeMap<OrganisationId, Role>)> {
        let mut conn = self.ask().await?;
        let sql = "select p.name, p.email, p.tenant_role, f.everybody, m.organisation_id, m.role,
                exists (select 1 from totp t where t.tenant_id = p.tenant_id and t.person_id = p.id and t.confirmed_at is not null)
                    or exists (select 1 from passkey k where k.tenant_id = p.tenant_id and k.person_id = p.id) as has_factor
             from person p join factor_policy f on f.tenant_id = p.tenant_id
             left join membership m on m.tenant_id = p.tenant_id and m.person_id = p.id
             where p.tenant_id = $1 and p.id = $2 and p.locked_at is null";
        let rows = unscoped!(conn, HolderRow, fetch_all, sql, tenant, person)?;
        let roles = rows.iter().filter_map(|row| row.organisation_id.zip(row.role)).collect();
        let HolderRow { name, email, tenant_role, has_factor, everybody, .. } =
            rows.into_iter().next().ok_or(Error::NotFound)?;
        Ok((Holder { name, email, tenant_role, has_factor, everybody }, roles))
    }

    /// The session that a cookie opens: the cookie names no tenant. One that is too old or idle for longer than `idle` is none.
    pub async fn session(&self, token_hash: [u8; 32], idle: Duration) -> Result<Option<Session>> {
        let (mut conn, now) = (self.ask().await?, self.now());
        unscoped!(
            conn,
            Session,
            fetch_optional,
            "select tenant_id, id, person_id, signed_in_by, vouched, proved_at, created_at, last_used_at, expires_at, rotate from session
             where (token_hash = $1 or (previous_hash = $1 and rotated_at > $4)) and expires_at > $2 and last_used_at > $3",
            token_hash,
            now,
            now.before(idle),
            now.before(UNDER_WAY)
        )
    }

    /// Notes that a session is in use, to a minute. Never makes one (E11).
    pub async fn touch_session(&self, session: &Session) -> Result<()> {
        let now = self.now();
        if now.since(session.last_used_at) < LAST_USED {
            return Ok(());
        }
        let mut conn = self.write().await?;
        let sql = "update session set last_used_at = $3 where tenant_id = $1 and id = $2";
        unscoped!(conn, execute, sql, session.tenant_id, session.id, now)?;
        conn.commit().await
    }

    /// Gives a session another token; `false` when it ended meanwhile, or somebody else did so first (E11).
    /// The old one opens it for ten seconds more, for requests that are under way.
    pub async fn rotate_session(&self, tenant: TenantId, id: SessionId, new_hash: [u8; 32]) -> Result<bool> {
        let (mut conn, now) = (self.write().await?, self.now());
        let sql = "update session set previous_hash = token_hash, token_hash = $3, rotate = false, rotated_at = $4
             where tenant_id = $1 and id = $2 and rotate";
        let rotated = unscoped!(conn, execute, sql, tenant, id, new_hash, now)?;
        conn.commit().await?;
        Ok(rotated > 0)
    }

    /// Opens a session in the tenant that signing in found.
    pub async fn open_session(&self, actor: &Actor, new: NewSession) -> Result<()> {
        let mut write = self.0.write(actor).await?;
        write.open_session(new).await?;
        write.commit().await
    }
}

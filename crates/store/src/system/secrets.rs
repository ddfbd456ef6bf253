//! Token lookup: the tenant of a bearer token, a one-time link or a certificate comes from its row, never from the request.
use super::{
    LAST_USED, System,
    holder::{Held, Holder, gather, held},
};
use crate::{
    Result,
    db::{
        column::{Number, row_type},
        conn::unscoped_query,
    },
};
use domain::{Email, KeyId, Networks, OrganizationId, PersonId, RunnerId, TenantId, Timestamp, scope::Scopes};
use uuid::Uuid;

row_type! {
    /// A key as a request finds it.
    pub struct KeyHolder {
        pub tenant_id: TenantId,
        pub id: KeyId,
        pub owner_id: PersonId,
        pub name: String,
        /// The beginning of it, to recognize it by.
        pub prefix: String,
        pub scopes: Scopes,
        /// The one organization that it is for.
        pub organization_id: Option<OrganizationId>,
        /// Where from it works; anywhere, if empty.
        pub networks: Networks,
        /// When it stops working, if ever.
        pub expires_at: Option<Timestamp>,
        /// Who answers for the owner, if that is a service account.
        pub responsible_id: Option<PersonId>,
        /// When it was last used, to a minute.
        pub last_used_at: Option<Timestamp>,
    }
}

row_type! {
    /// Where a one-time token leads.
    pub struct Place {
        pub tenant_id: TenantId,
        /// The person, the enrollment or the runner.
        pub id: Uuid,
    }
}

row_type! {
    /// What something is called.
    pub struct Named {
        pub name: String,
    }
}

row_type! {
    /// Another address that somebody asked for.
    pub struct AddressChange {
        pub tenant_id: TenantId,
        pub person_id: PersonId,
        pub email: Email,
        /// Whether a link came to the present address, and not to that one.
        pub present: bool,
    }
}

impl System<'_> {
    /// The key that a bearer token is, and who holds it: the token names no tenant.
    pub async fn key(&self, token_hash: [u8; 32]) -> Result<Option<(KeyHolder, Holder)>> {
        let (mut conn, now) = (self.ask().await?, self.now());
        let sql = held!(
            "k.tenant_id, k.id, k.owner_id, k.name, k.prefix, k.scopes, k.organization_id, k.networks, k.expires_at,
                p.responsible_id, k.last_used_at, "
            from "api_key k join person p on p.tenant_id = k.tenant_id and p.id = k.owner_id"
            where "k.token_hash = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > $2)"
        );
        Ok(gather(unscoped_query!(conn, Held<KeyHolder>, fetch_all, sql, token_hash, now)?))
    }

    /// Notes that a key is in use.
    pub async fn touch_key(&self, key: &KeyHolder) -> Result<()> {
        let now = self.now();
        if key.last_used_at.is_some_and(|at| now.since(at) < LAST_USED) {
            return Ok(());
        }
        let mut conn = self.write().await?;
        let sql = "update api_key set last_used_at = $3 where tenant_id = $1 and id = $2";
        unscoped_query!(conn, execute, sql, key.tenant_id, key.id, now)?;
        conn.commit().await
    }

    /// Whose password a one-time link sets.
    pub async fn password_link(&self, token_hash: [u8; 32]) -> Result<Option<Place>> {
        let (mut conn, now) = (self.read().await?, self.now());
        let sql = "select tenant_id, person_id as id from password_link where token_hash = $1 and expires_at > $2";
        unscoped_query!(conn, Place, fetch_optional, sql, token_hash, now)
    }

    /// Who asked for which address, and whether this link came to their present one.
    pub async fn address_change(&self, token_hash: [u8; 32]) -> Result<Option<AddressChange>> {
        let (mut conn, now) = (self.read().await?, self.now());
        let sql = "select tenant_id, person_id, email, token_hash <> $1 as present from address_change
             where (token_hash = $1 or current_token_hash = $1) and expires_at > $2";
        unscoped_query!(conn, AddressChange, fetch_optional, sql, token_hash, now)
    }

    /// Whether somebody signed in with this browser before.
    pub async fn is_known_device(&self, tenant: TenantId, person: PersonId, token_hash: [u8; 32]) -> Result<bool> {
        let mut conn = self.read().await?;
        let sql = "select count(*) as n from known_device where tenant_id = $1 and person_id = $2 and token_hash = $3";
        Ok(unscoped_query!(conn, Number, fetch_one, sql, tenant, person, token_hash)?.n > 0)
    }

    /// Which enrollment a runner's token is, whether or not it still works.
    pub async fn enrollment(&self, token_hash: [u8; 32]) -> Result<Option<Place>> {
        let mut conn = self.read().await?;
        unscoped_query!(
            conn,
            Place,
            fetch_optional,
            "select tenant_id, id from enrollment where token_hash = $1",
            token_hash
        )
    }

    /// The name of an active runner with this certificate, or with the one that takes its place, asked on every call: a certificate alone is not enough (E13).
    pub async fn runner_name(&self, tenant: TenantId, runner: RunnerId, serial: &str) -> Result<Option<String>> {
        let (mut conn, now) = (self.read().await?, self.now());
        let found = unscoped_query!(
            conn,
            Named,
            fetch_optional,
            "select name from runner where tenant_id = $1 and id = $2 and revoked_at is null
                and ((serial = $3 and expires_at > $4) or (next_serial = $3 and next_expires_at > $4))",
            tenant,
            runner,
            serial.to_owned(),
            now
        )?;
        Ok(found.map(|runner| runner.name))
    }
}

//! Token lookup: the tenant of a bearer token, a one-time link or a certificate comes from its row, never from the request.
use super::{
    LAST_USED, System,
    credential_holder::{Holder, WithHolder, combine_holder_rows, select_with_holder},
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
    /// An API key as the request handler reads it.
    pub struct KeyHolder {
        pub tenant_id: TenantId,
        pub id: KeyId,
        pub owner_id: PersonId,
        pub name: String,
        pub prefix: String,
        pub scopes: Scopes,
        /// The organization that the key is limited to.
        pub organization_id: Option<OrganizationId>,
        /// Allowed networks; any network if empty.
        pub networks: Networks,
        pub expires_at: Option<Timestamp>,
        /// The responsible person, if the owner is a service account.
        pub responsible_id: Option<PersonId>,
        /// Last use, to the minute.
        pub last_used_at: Option<Timestamp>,
    }
}

row_type! {
    /// The subject of a one-time token or an enrollment.
    pub struct TokenSubject {
        pub tenant_id: TenantId,
        /// Id of the person or the enrollment.
        pub id: Uuid,
    }
}

row_type! {
    pub struct NameRow {
        pub name: String,
    }
}

row_type! {
    /// A requested address change.
    pub struct AddressChange {
        pub tenant_id: TenantId,
        pub person_id: PersonId,
        pub email: Email,
        /// Whether the link was sent to the current address rather than the new one.
        pub present: bool,
    }
}

impl System<'_> {
    /// Returns the active key with this token hash and its holder: the token names no tenant.
    pub async fn key(&self, token_hash: [u8; 32]) -> Result<Option<(KeyHolder, Holder)>> {
        let (mut conn, now) = (self.single_query_conn().await?, self.now());
        let sql = select_with_holder!(
            "k.tenant_id, k.id, k.owner_id, k.name, k.prefix, k.scopes, k.organization_id, k.networks, k.expires_at,
                p.responsible_id, k.last_used_at, "
            from "api_key k join person p on p.tenant_id = k.tenant_id and p.id = k.owner_id"
            where "k.token_hash = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > $2)"
        );
        Ok(combine_holder_rows(unscoped_query!(conn, WithHolder<KeyHolder>, fetch_all, sql, token_hash, now)?))
    }

    /// Records the use of a key, to the minute.
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

    /// Returns the person whose password a link sets.
    pub async fn password_link(&self, token_hash: [u8; 32]) -> Result<Option<TokenSubject>> {
        let (mut conn, now) = (self.read().await?, self.now());
        let sql = "select tenant_id, person_id as id from password_link where token_hash = $1 and expires_at > $2";
        unscoped_query!(conn, TokenSubject, fetch_optional, sql, token_hash, now)
    }

    /// Returns the address change of a link and which of the two links it is.
    pub async fn address_change(&self, token_hash: [u8; 32]) -> Result<Option<AddressChange>> {
        let (mut conn, now) = (self.read().await?, self.now());
        let sql = "select tenant_id, person_id, email, token_hash <> $1 as present from address_change
             where (token_hash = $1 or current_token_hash = $1) and expires_at > $2";
        unscoped_query!(conn, AddressChange, fetch_optional, sql, token_hash, now)
    }

    /// Returns whether this person signed in with this browser before.
    pub async fn is_known_device(&self, tenant: TenantId, person: PersonId, token_hash: [u8; 32]) -> Result<bool> {
        let mut conn = self.read().await?;
        let sql = "select count(*) as n from known_device where tenant_id = $1 and person_id = $2 and token_hash = $3";
        Ok(unscoped_query!(conn, Number, fetch_one, sql, tenant, person, token_hash)?.n > 0)
    }

    /// Returns the enrollment of a token, valid or not.
    pub async fn enrollment(&self, token_hash: [u8; 32]) -> Result<Option<TokenSubject>> {
        let mut conn = self.read().await?;
        unscoped_query!(
            conn,
            TokenSubject,
            fetch_optional,
            "select tenant_id, id from enrollment where token_hash = $1",
            token_hash
        )
    }

    /// Returns the name of the active runner with this certificate or its renewal. It is checked on every call, because a
    /// valid certificate alone is not enough (E13).
    pub async fn runner_name(&self, tenant: TenantId, runner: RunnerId, serial: &str) -> Result<Option<String>> {
        let (mut conn, now) = (self.single_query_conn().await?, self.now());
        let found = unscoped_query!(
            conn,
            NameRow,
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

//! Identity provider lookup: a callback from a provider names no tenant, the provider's own row does.
use super::{LAST_USED, System};
use crate::{
    Error, MasterKey, Result, SealedSecret, Store,
    db::{
        column::{Number, row_type},
        conn::unscoped_query,
    },
    tenant_key::Wrapped,
};
use domain::{IdentityId, PersonId, ProviderId, TenantId, Timestamp, provider::Provider};

row_type! {
    /// A provider with its encrypted secret.
    pub struct ProviderSecrets {
        pub tenant_id: TenantId,
        pub id: ProviderId,
        /// Configuration, as JSON.
        pub definition: String,
        pub secret: Vec<u8>,
    }
}

row_type! {
    /// An identity with its person.
    pub struct IdentityHolder {
        pub tenant_id: TenantId,
        pub id: IdentityId,
        pub person_id: PersonId,
        pub last_used_at: Option<Timestamp>,
    }
}

/// A provider with its decrypted client secret, which `Debug` omits.
pub struct DecryptedProvider {
    pub tenant: TenantId,
    pub id: ProviderId,
    pub provider: Provider,
    pub secret: String,
}

impl std::fmt::Debug for DecryptedProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DecryptedProvider")
            .field("id", &self.id)
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

fn place(tenant: TenantId, id: ProviderId, version: i64) -> String {
    format!("{tenant}/identity_provider/secret/{id}/{version}")
}

impl Store {
    /// Encrypts a client secret with the tenant's key, bound to this provider's row.
    pub async fn seal_secret(&self, tenant: TenantId, id: ProviderId, secret: &str) -> Result<SealedSecret> {
        let (key, version) = self.system().tenant_key(tenant).await?;
        Ok(SealedSecret(key.seal(&place(tenant, id, version), secret.as_bytes())?))
    }
}

impl System<'_> {
    /// Returns the provider with this id: the callback URL names no tenant.
    pub async fn provider(&self, id: ProviderId) -> Result<Option<DecryptedProvider>> {
        const SQL: &str = "select tenant_id, id, definition, secret from identity_provider where id = $1";
        let mut conn = self.read().await?;
        let Some(row) = unscoped_query!(conn, ProviderSecrets, fetch_optional, SQL, id)? else { return Ok(None) };
        drop(conn);
        let (key, version) = self.tenant_key(row.tenant_id).await?;
        let secret = key.open(&place(row.tenant_id, row.id, version), &row.secret)?;
        Ok(Some(DecryptedProvider {
            tenant: row.tenant_id,
            id: row.id,
            provider: serde_json::from_str(&row.definition).map_err(|_| Error::Corrupt("provider"))?,
            secret: String::from_utf8(secret).map_err(|_| Error::Corrupt("client secret"))?,
        }))
    }

    /// Returns a tenant's providers with their configuration, for its sign-in page.
    pub async fn providers_of(&self, tenant: TenantId) -> Result<Vec<(ProviderId, Provider)>> {
        let mut conn = self.read().await?;
        let sql = "select tenant_id, id, definition, secret from identity_provider where tenant_id = $1 order by id limit 100";
        let rows = unscoped_query!(conn, ProviderSecrets, fetch_all, sql, tenant)?;
        let read = |row: ProviderSecrets| {
            let provider = serde_json::from_str(&row.definition).map_err(|_| Error::Corrupt("provider"))?;
            Ok((row.id, provider))
        };
        rows.into_iter().map(read).collect()
    }

    /// Returns the identity with this issuer and subject in the provider's tenant.
    pub async fn identity(&self, tenant: TenantId, issuer: &str, subject: &str) -> Result<Option<IdentityHolder>> {
        let mut conn = self.read().await?;
        unscoped_query!(
            conn,
            IdentityHolder,
            fetch_optional,
            "select tenant_id, id, person_id, last_used_at from identity
             where tenant_id = $1 and issuer = $2 and subject = $3",
            tenant,
            issuer.to_owned(),
            subject.to_owned()
        )
    }

    /// Records the use of an identity, to the minute.
    pub async fn touch_identity(&self, identity: &IdentityHolder) -> Result<()> {
        let now = self.now();
        if identity.last_used_at.is_some_and(|at| now.since(at) < LAST_USED) {
            return Ok(());
        }
        let mut conn = self.write().await?;
        let sql = "update identity set last_used_at = $3 where tenant_id = $1 and id = $2";
        unscoped_query!(conn, execute, sql, identity.tenant_id, identity.id, now)?;
        conn.commit().await
    }

    /// Consumes a sign-in at a provider, which names no tenant. Returns `false` if it was used before.
    pub async fn consume_sign_in(&self, id_hash: [u8; 32], expires_at: Timestamp) -> Result<bool> {
        let (mut conn, now) = (self.write().await?, self.now());
        unscoped_query!(conn, execute, "delete from used_sign_in where expires_at < $1", now)?;
        let sql = "insert into used_sign_in (id_hash, expires_at) values ($1, $2) on conflict (id_hash) do nothing";
        let used = unscoped_query!(conn, execute, sql, id_hash, expires_at)?;
        conn.commit().await?;
        Ok(used > 0)
    }

    /// Returns whether break-glass sign-in with a password is open for this person.
    pub async fn may_break_glass(&self, tenant: TenantId, person: PersonId) -> Result<bool> {
        let (mut conn, now) = (self.read().await?, self.now());
        let sql = "select count(*) as n from break_glass where tenant_id = $1 and person_id = $2 and expires_at > $3";
        Ok(unscoped_query!(conn, Number, fetch_one, sql, tenant, person, now)?.n > 0)
    }

    async fn tenant_key(&self, tenant: TenantId) -> Result<(MasterKey, i64)> {
        const SQL: &str = "select wrapped, version from tenant_key where tenant_id = $1";
        let mut conn = self.read().await?;
        unscoped_query!(conn, Wrapped, fetch_one, SQL, tenant)?.open(self.0.key(), tenant)
    }
}

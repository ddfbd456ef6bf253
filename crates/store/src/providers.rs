//! Identity providers of a tenant. Their client secrets are write-only.
use crate::{
    Error, Read, Result, Topic, Write,
    db::{column::row_type, conn::tenant_query, insert::insert},
};
use domain::{
    Allowed, ProviderId, Timestamp,
    policy::{RemoveProvider, SetProvider},
    provider::Provider,
};

row_type! {
    /// A provider as stored, without its secret.
    pub struct ProviderRow {
        pub id: ProviderId,
        /// Configuration, as JSON.
        pub definition: String,
        pub changed_at: Timestamp,
    }
}

impl ProviderRow {
    /// Returns the parsed configuration.
    pub fn provider(&self) -> Result<Provider> {
        serde_json::from_str(&self.definition).map_err(|_| Error::Corrupt("provider"))
    }
}

/// A client secret, encrypted with the tenant's key for one provider; see [`crate::Store::seal_secret`].
#[derive(Clone, Debug)]
pub struct SealedSecret(pub(crate) Vec<u8>);

impl Read {
    /// Returns the tenant's providers, oldest first, for admins and auditors.
    pub async fn providers(&mut self) -> Result<Vec<ProviderRow>> {
        if !self.actor.can_read_everything() {
            return Ok(vec![]);
        }
        tenant_query!(
            self,
            ProviderRow,
            fetch_all,
            "select id, definition, changed_at from identity_provider where tenant_id = $1 order by id limit 100"
        )
    }

    /// Returns one provider, for admins and auditors.
    pub async fn provider(&mut self, id: ProviderId) -> Result<ProviderRow> {
        let all = self.providers().await?;
        all.into_iter().find(|row| row.id == id).ok_or(Error::NotFound)
    }
}

impl Write {
    /// Creates or changes a provider. Without `secret`, the stored one remains; a new provider requires one.
    pub async fn set_provider(&mut self, proof: Allowed<SetProvider>, secret: Option<SealedSecret>) -> Result<()> {
        let SetProvider { id, provider, .. } = proof.action();
        let definition = serde_json::to_string(provider).map_err(|_| Error::Corrupt("provider"))?;
        let set = match secret {
            None => tenant_query!(
                self,
                execute,
                "update identity_provider set definition = $3, changed_at = $4 where tenant_id = $1 and id = $2",
                *id,
                definition,
                self.now
            )?,
            Some(SealedSecret(secret)) => insert!(self, "identity_provider" {
                id: *id,
                definition: definition,
                secret: secret,
                created_at: self.now,
                changed_at: self.now,
            },
                "on conflict (tenant_id, id) do update set definition = excluded.definition,
                    secret = excluded.secret, changed_at = excluded.changed_at"
            )?,
        };
        if set == 0 {
            return Err(Error::NotFound);
        }
        self.publish(Topic::People, id.0);
        let entry = self.entry(&proof)?;
        self.record(entry).await
    }

    /// Removes a provider. Linked identities remain and match a provider with the same issuer.
    pub async fn remove_provider(&mut self, proof: Allowed<RemoveProvider>) -> Result<()> {
        let id = proof.action().id;
        if tenant_query!(self, execute, "delete from identity_provider where tenant_id = $1 and id = $2", id)? == 0 {
            return Err(Error::NotFound);
        }
        self.publish(Topic::People, id.0);
        let entry = self.entry(&proof)?;
        self.record(entry).await
    }
}

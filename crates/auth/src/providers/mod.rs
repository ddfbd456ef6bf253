//! Identity providers: the ones of the configuration file and of tenants, and which of them are active.
mod admit;
mod claims;
mod configured;
mod failure;
mod fetch;
mod flow;
mod github;
mod id_token;
mod identity;
mod lenient;
mod metadata_cache;
mod oidc;
mod options;
mod probe;
mod signed_token;
mod ticket;
mod userinfo;

use crate::{Error, Settings, token::Token};
pub use configured::ConfiguredProvider;
use domain::{
    ProviderId, TenantId,
    provider::{Provider, is_loopback},
};
pub use failure::ProviderFailure;
pub use fetch::{ConfiguredBy, Fetch, FetchError};
pub use flow::{AuthorizationRedirect, Callback, CallbackOutcome, Purpose};
pub use options::{ProviderSummary, SignInOptions, SignInProvider};
pub use probe::{ProbeResult, check_provider};
use secrecy::SecretString;
use std::sync::Arc;
use store::Store;
use ticket::Ticket;

/// The identity providers of a deployment.
#[derive(Clone, Debug)]
pub struct Providers {
    store: Store,
    settings: Arc<Settings>,
    fetch: Fetch,
    metadata: metadata_cache::MetadataCache,
}

/// A provider with everything that a sign-in needs.
#[derive(Clone, Debug)]
pub struct ActiveProvider {
    /// Its id in URLs.
    pub key: String,
    pub tenant: TenantId,
    pub provider: Provider,
    by: ConfiguredBy,
    secret: SecretString,
}

impl Providers {
    /// # Errors
    /// Fails if the system's root certificates cannot be read.
    pub fn new(store: Store, settings: Arc<Settings>) -> Result<Self, FetchError> {
        Ok(Self { store, settings, fetch: Fetch::new()?, metadata: metadata_cache::MetadataCache::default() })
    }

    /// Returns the redirect URI of a provider: one for each, against mix-up attacks.
    pub fn redirect_url(&self, key: &str) -> String {
        format!("{}/sign-in/from/{key}", self.settings.origin)
    }

    /// Returns the provider with this id, if people may sign in by it now.
    ///
    /// # Errors
    /// Fails with [`ProviderFailure::Disabled`] if they may not.
    pub async fn active(&self, key: &str) -> Result<ActiveProvider, Error> {
        let found = self.find(key).await?;
        let active = found.filter(|found| found.provider.enabled && self.is_allowed(&found.key));
        active.ok_or_else(|| ProviderFailure::Disabled.error(""))
    }

    /// Returns whether the configuration allows this provider: all of them, or only the primary one.
    fn is_allowed(&self, key: &str) -> bool {
        self.settings.primary_provider.as_ref().is_none_or(|primary| primary == key)
    }

    /// Returns whether the issuer of a tenant's provider is allowed: on a loopback address only if the operator allows that.
    fn is_issuer_allowed(&self, provider: &Provider) -> bool {
        self.settings.loopback_issuers || !is_loopback(&provider.issuer)
    }

    /// Returns whose providers those from Settings count as. An operator who allows loopback addresses trusts the admins.
    fn stored_by(&self) -> ConfiguredBy {
        if self.settings.loopback_issuers { ConfiguredBy::Operator } else { ConfiguredBy::Tenant }
    }

    async fn find(&self, key: &str) -> Result<Option<ActiveProvider>, store::Error> {
        if let Some(configured) = self.settings.providers.iter().find(|provider| provider.key == key) {
            let tenant = self.tenant_of(configured).await?;
            return Ok(tenant.map(|tenant| ActiveProvider {
                key: configured.key.clone(),
                tenant,
                provider: configured.provider.clone(),
                by: ConfiguredBy::Operator,
                secret: configured.secret.clone(),
            }));
        }
        let Ok(id) = key.parse::<ProviderId>() else { return Ok(None) };
        let found = self.store.system().provider(id).await?.filter(|found| self.is_issuer_allowed(&found.provider));
        Ok(found.map(|found| ActiveProvider {
            key: found.id.to_string(),
            tenant: found.tenant,
            provider: found.provider,
            by: self.stored_by(),
            secret: found.secret.into(),
        }))
    }

    /// Returns the tenant of a provider of the configuration file: the one that it names, or the first.
    async fn tenant_of(&self, configured: &ConfiguredProvider) -> Result<Option<TenantId>, store::Error> {
        let tenants = self.store.system().tenants().await?;
        let named =
            |name: &String| tenants.iter().find(|tenant| tenant.name == *name || tenant.id.to_string() == *name);
        Ok(configured.tenant.as_ref().map_or(tenants.first(), named).map(|tenant| tenant.id))
    }
}

/// Returns a random text for a URL.
fn token() -> Result<String, Error> {
    Ok(Token::new("")?.text)
}

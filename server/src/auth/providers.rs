//! Identity providers: which there are, and which of them lead in.
mod admit;
mod fetch;
mod flow;
mod github;
mod known;
mod oidc;
mod probe;
mod proven;
mod ticket;
mod ways;

pub use fetch::{Fetch, FetchError};
pub use flow::{Arrived, Comeback, Purpose, Setout};
use ticket::Ticket;

use crate::{config::ConfiguredProvider, state::App};
use app::{login::trouble::Trouble, outcome::Refusal, token::Token};
use domain::{
    ProviderId, TenantId,
    provider::{Provider, is_loopback},
};
use secrecy::SecretString;

/// The providers of a deployment, those of the file and those of its tenants.
#[derive(Clone, Debug)]
pub struct Providers {
    app: App,
    fetch: Fetch,
    known: known::Known,
    /// Scheme, host and port, for addresses that browsers come back to.
    origin: String,
}

/// A provider with all that signing in by it needs.
#[derive(Clone, Debug)]
pub struct InUse {
    /// Its id in addresses.
    pub key: String,
    /// The tenant that people come into.
    pub tenant: TenantId,
    /// How it was set up.
    pub provider: Provider,
    secret: SecretString,
}

impl Providers {
    /// The providers of `app`, whose pages are at `origin`.
    ///
    /// # Errors
    /// When the system's roots of trust cannot be read.
    pub fn new(app: App, origin: String) -> Result<Self, FetchError> {
        Ok(Self { app, fetch: Fetch::new()?, known: known::Known::default(), origin })
    }

    /// The address that a provider sends browsers back to: one for each, so that none can speak for another.
    pub fn redirect(&self, key: &str) -> String {
        format!("{}/sign-in/from/{key}", self.origin)
    }

    /// The provider of this id, if it leads in now.
    pub async fn open(&self, key: &str) -> Result<InUse, Refusal> {
        let found = self.find(key).await?;
        let open = found.filter(|found| found.provider.enabled && self.leads_in(&found.key));
        open.ok_or_else(|| Trouble::Closed.refusal(""))
    }

    /// Whether passwords are closed because one provider is the only way in.
    pub fn passwords_closed(&self) -> bool {
        self.app.config.auth.primary_provider.is_some()
    }

    fn leads_in(&self, key: &str) -> bool {
        self.app.config.auth.primary_provider.as_ref().is_none_or(|primary| primary.as_str() == key)
    }

    /// Whether a provider that was made in Settings may be where it is: on this machine itself only where the operator says so.
    fn may_be_there(&self, provider: &Provider) -> bool {
        self.app.config.auth.loopback_issuers || !is_loopback(&provider.issuer)
    }

    async fn find(&self, key: &str) -> Result<Option<InUse>, store::Error> {
        if let Some(configured) = self.app.config.providers().iter().find(|provider| provider.key == key) {
            let tenant = self.tenant_of(configured).await?;
            return Ok(tenant.map(|tenant| InUse {
                key: configured.key.clone(),
                tenant,
                provider: configured.provider.clone(),
                secret: configured.secret.clone(),
            }));
        }
        let Ok(id) = key.parse::<ProviderId>() else { return Ok(None) };
        let found = self.app.store.system().provider(id).await?.filter(|found| self.may_be_there(&found.provider));
        Ok(found.map(|found| InUse {
            key: found.id.to_string(),
            tenant: found.tenant,
            provider: found.provider,
            secret: found.secret.into(),
        }))
    }

    /// The tenant that a provider of the file is for: the one that it names, or the first.
    async fn tenant_of(&self, configured: &ConfiguredProvider) -> Result<Option<TenantId>, store::Error> {
        let tenants = self.app.store.system().tenants().await?;
        let named =
            |name: &String| tenants.iter().find(|tenant| tenant.name == *name || tenant.id.to_string() == *name);
        Ok(configured.tenant.as_ref().map_or(tenants.first(), named).map(|tenant| tenant.id))
    }
}

/// Something that nobody guesses, as text for an address.
fn token() -> Result<String, Refusal> {
    Ok(Token::new("")?.text)
}

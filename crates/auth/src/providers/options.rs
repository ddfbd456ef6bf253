//! Sign-in options: the providers that the sign-in page offers, and the end of a link to one.
use super::Providers;
use crate::{Error, SignIn};
use domain::{IdentityId, ProviderId, TenantId, policy::UnlinkIdentity, provider::Provider};

/// The ways to sign in to a tenant.
#[derive(Clone, Debug, Default)]
pub struct SignInOptions {
    /// Whether passwords are enabled.
    pub password: bool,
    pub providers: Vec<SignInProvider>,
}

/// A provider that people may sign in by.
#[derive(Clone, Debug)]
pub struct SignInProvider {
    /// Its id in URLs.
    pub key: String,
    /// The text after "Sign in with" on its button.
    pub label: String,
}

/// A provider of the configuration file, without its secret.
#[derive(Clone, Debug)]
pub struct ProviderSummary {
    /// Its id in URLs.
    pub key: String,
    pub provider: Provider,
    /// Its redirect URI.
    pub redirect: String,
}

impl Providers {
    /// The options of a tenant's sign-in page, or of the first tenant's. A tenant's own providers are offered on its own page
    /// only.
    async fn sign_in_options(&self, tenant: Option<TenantId>) -> Result<SignInOptions, store::Error> {
        let system = self.store.system();
        let shown = match tenant {
            Some(tenant) => Some(tenant),
            None => system.tenants().await?.first().map(|tenant| tenant.id),
        };
        let mut providers = vec![];
        for configured in &self.settings.providers {
            if shown.is_some() && self.tenant_of(configured).await? == shown && self.is_allowed(&configured.key) {
                providers
                    .push(SignInProvider { key: configured.key.clone(), label: configured.provider.label.clone() });
            }
        }
        if let Some(tenant) = shown {
            let active = system.providers_of(tenant).await?.into_iter().filter(|(id, own)| self.is_active(*id, own));
            providers
                .extend(active.map(|(id, provider)| SignInProvider { key: id.to_string(), label: provider.label }));
        }
        Ok(SignInOptions { password: !self.settings.passwords_disabled(), providers })
    }

    /// Returns whether people may sign in by a tenant's provider now.
    fn is_active(&self, id: ProviderId, provider: &Provider) -> bool {
        provider.enabled && self.is_allowed(&id.to_string()) && self.is_issuer_allowed(provider)
    }

    /// Returns the providers of the configuration file that are for a tenant.
    async fn configured(&self, tenant: TenantId) -> Result<Vec<ProviderSummary>, store::Error> {
        let mut found = vec![];
        for configured in &self.settings.providers {
            if self.tenant_of(configured).await? == Some(tenant) {
                let (key, provider) = (configured.key.clone(), configured.provider.clone());
                found.push(ProviderSummary { redirect: self.redirect_url(&key), key, provider });
            }
        }
        Ok(found)
    }

    /// Returns the issuers by which people may sign in to a tenant now, and whether they may by password.
    async fn active_issuers(&self, tenant: TenantId) -> Result<store::SignInMethods, store::Error> {
        let configured = self.configured(tenant).await?.into_iter();
        let mut issuers: Vec<_> =
            configured.filter(|one| self.is_allowed(&one.key)).map(|one| one.provider.issuer).collect();
        let own = self.store.system().providers_of(tenant).await?.into_iter();
        let active = own.filter(|(id, own)| self.is_active(*id, own));
        issuers.extend(active.map(|(_, provider)| provider.issuer));
        Ok(store::SignInMethods { password: !self.settings.passwords_disabled(), issuers })
    }
}

impl SignIn {
    /// Returns the options of a tenant's sign-in page, or of the first tenant's.
    ///
    /// # Errors
    /// Fails if the store cannot be read.
    pub async fn sign_in_options(&self, tenant: Option<TenantId>) -> Result<SignInOptions, Error> {
        Ok(self.auth.providers.sign_in_options(tenant).await?)
    }

    /// Returns the providers of the configuration file that are for the signed-in person's tenant.
    ///
    /// # Errors
    /// Fails if the store cannot be read.
    pub async fn configured_providers(&self) -> Result<Vec<ProviderSummary>, Error> {
        match &self.browser {
            Some(browser) => Ok(self.auth.providers.configured(browser.actor.tenant).await?),
            None => Ok(vec![]),
        }
    }

    /// Returns the id of the provider that is the only way to sign in, if one is.
    pub fn primary_provider(&self) -> Option<&str> {
        self.auth.settings.primary_provider.as_deref()
    }

    /// Returns whether tenants may set up providers on the server's own machine.
    pub fn allows_loopback_issuers(&self) -> bool {
        self.auth.settings.loopback_issuers
    }

    /// Returns the redirect URI of a provider.
    pub fn redirect_url(&self, key: &str) -> String {
        self.auth.providers.redirect_url(key)
    }

    /// Removes one's own link to an identity, unless it is the last way to sign in.
    ///
    /// # Errors
    /// Fails with [`Error::NotSignedIn`], or the reason why the link cannot be removed.
    pub async fn unlink_identity(&self, identity: IdentityId) -> Result<(), Error> {
        let browser = self.browser.as_ref().ok_or(Error::NotSignedIn)?;
        let actor = &browser.actor;
        let person = actor.person().ok_or(Error::NotSignedIn)?;
        let store = &self.auth.store;
        let ways = self.auth.providers.active_issuers(actor.tenant).await?;
        let proof = store.authorize(actor, UnlinkIdentity { identity, person }).await?;
        let mut write = store.write(actor).await?;
        write.unlink_identity(proof, &ways, Some(browser.session)).await?;
        write.commit().await?;
        Ok(())
    }
}

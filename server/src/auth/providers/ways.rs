//! What a door answers about ways in: which there are, and ending a link.
use super::Providers;
use crate::auth::BrowserDoor;
use app::{
    door::{Configured, WayIn, WaysIn},
    outcome::{Kind, Refusal},
};
use domain::{IdentityId, ProviderId, TenantId, policy::UnlinkIdentity, provider::Provider};

impl Providers {
    /// What the sign-in page offers. Providers that were made in Settings are shown on the page of their own tenant; the
    /// first tenant's page is the one that names none.
    pub async fn ways_in(&self, tenant: Option<TenantId>) -> Result<WaysIn, store::Error> {
        let system = self.app.store.system();
        let shown = match tenant {
            Some(tenant) => Some(tenant),
            None => system.tenants().await?.first().map(|tenant| tenant.id),
        };
        let mut providers = vec![];
        for configured in self.app.config.providers() {
            if shown.is_some() && self.tenant_of(configured).await? == shown && self.leads_in(&configured.key) {
                providers.push(WayIn { key: configured.key.clone(), label: configured.provider.label.clone() });
            }
        }
        if let Some(tenant) = shown {
            let open = system.providers_of(tenant).await?.into_iter().filter(|(id, own)| self.is_open(*id, own));
            providers.extend(open.map(|(id, provider)| WayIn { key: id.to_string(), label: provider.label }));
        }
        Ok(WaysIn { password: !self.passwords_closed(), providers })
    }

    /// Whether a provider that was made in Settings leads in now.
    fn is_open(&self, id: ProviderId, provider: &Provider) -> bool {
        provider.enabled && self.leads_in(&id.to_string()) && self.may_be_there(provider)
    }

    /// The providers of the configuration file that are for a tenant, as its admins may see them.
    pub async fn configured(&self, tenant: TenantId) -> Result<Vec<Configured>, store::Error> {
        let mut found = vec![];
        for configured in self.app.config.providers() {
            if self.tenant_of(configured).await? == Some(tenant) {
                let (key, provider) = (configured.key.clone(), configured.provider.clone());
                found.push(Configured { redirect: self.redirect(&key), key, provider });
            }
        }
        Ok(found)
    }

    /// What leads into a tenant now.
    async fn leading_into(&self, tenant: TenantId) -> Result<store::WaysIn, store::Error> {
        let configured = self.configured(tenant).await?.into_iter();
        let mut issuers: Vec<_> =
            configured.filter(|one| self.leads_in(&one.key)).map(|one| one.provider.issuer).collect();
        let own = self.app.store.system().providers_of(tenant).await?.into_iter();
        let open = own.filter(|(id, own)| self.is_open(*id, own));
        issuers.extend(open.map(|(_, provider)| provider.issuer));
        Ok(store::WaysIn { password: !self.passwords_closed(), issuers })
    }
}

impl BrowserDoor {
    /// Ends a link of one's own; the last way in stays.
    pub(in crate::auth) async fn unlink(&self, identity: IdentityId) -> Result<(), Refusal> {
        let signed_out = || Refusal::new(Kind::SignedOut, app::login::trouble::sign_in_first());
        let browser = self.browser.as_ref().ok_or_else(signed_out)?;
        let actor = &browser.actor;
        let person = actor.person().ok_or_else(signed_out)?;
        let store = &self.app.store;
        let ways = self.providers.leading_into(actor.tenant).await?;
        let proof = store.authorize(actor, UnlinkIdentity { identity, person }).await?;
        let mut write = store.write(actor).await?;
        write.unlink_identity(proof, &ways, Some(browser.session)).await?;
        write.commit().await?;
        Ok(())
    }
}

//! What follows from what a provider proved: who they are here, whether they come in, and as what.
use super::{InUse, Providers, proven::Proven};
use crate::auth::{Authenticated, BrowserDoor, browser::must_have_factor};
use app::{login::trouble::Trouble, outcome::Refusal};
use domain::{
    Actor, BrowserSessionId, OrganizationId, PersonId, SignedInBy, Timestamp,
    policy::{AdmitPerson, FollowProvider, LinkIdentity},
    role::{Role, TenantRole},
};
use std::collections::BTreeMap;
use store::{Ground, NewIdentity};

impl Providers {
    /// Signs somebody in: by their identity, or as a newcomer.
    pub(super) async fn enter(&self, door: &BrowserDoor, provider: &InUse, proven: Proven) -> Result<(), Refusal> {
        let system = self.app.store.system();
        if !provider.provider.takes(proven.email.as_ref()) {
            return Err(self.turn_away(door, provider, Trouble::Domain).await?);
        }
        let person = match system.identity(provider.tenant, &proven.issuer, &proven.subject).await? {
            Some(identity) => {
                match system.holder(provider.tenant, identity.person_id).await {
                    Err(store::Error::NotFound) => return Err(self.turn_away(door, provider, Trouble::Locked).await?),
                    holder => holder?,
                };
                system.touch_identity(&identity).await?;
                identity.person_id
            }
            None => self.admit(door, provider, &proven).await?,
        };
        self.follow(door, provider, &proven, person).await?;
        let proved_at = self.proved_at(provider, &proven, person).await?;
        tracing::info!(%person, vouched = proven.vouched, "signed in by a provider");
        let ground = Ground::Identity { issuer: proven.issuer, subject: proven.subject };
        let (tenant, by, vouched) = (provider.tenant, SignedInBy::Provider, proven.vouched);
        door.open(Authenticated { tenant, person, by, ground, vouched, proved_at: Some(proved_at) }).await
    }

    /// When somebody proved who they are, as the provider says: a session of yesterday there makes no fresh proof here. Whoever
    /// must set up a second factor, and has nothing to prove themselves by until then, is taken to have done it now.
    async fn proved_at(&self, provider: &InUse, proven: &Proven, person: PersonId) -> Result<Timestamp, Refusal> {
        let (now, system) = (self.app.store.now(), self.app.store.system());
        let Some(proved_at) = proven.proved_at else { return Ok(now) };
        let holder = system.holder(provider.tenant, person).await?;
        let enrolls = !proven.vouched && !holder.has_factor && must_have_factor(&self.app, &holder);
        Ok(if enrolls { now } else { proved_at.min(now) })
    }

    /// Links what somebody is at a provider to the account in which they asked for it.
    pub(super) async fn link(
        &self,
        door: &BrowserDoor,
        provider: &InUse,
        proven: Proven,
        person: PersonId,
        session: BrowserSessionId,
    ) -> Result<(), Refusal> {
        let lost = || Trouble::Lost.refusal(&provider.provider.label);
        let browser = door.browser.as_ref().filter(|browser| browser.session == session).ok_or_else(lost)?;
        if browser.actor.person() != Some(person) || browser.actor.tenant != provider.tenant {
            return Err(lost());
        }
        if !provider.provider.takes(proven.email.as_ref()) {
            return Err(Trouble::Domain.refusal(&provider.provider.label));
        }
        let (store, label) = (&self.app.store, provider.provider.label.clone());
        let action = LinkIdentity { person, provider: label };
        let proof = store.authorize(&browser.actor, action).await?;
        let mut write = store.write(&browser.actor).await?;
        write.link_identity(proof, identity(provider, &proven)).await?;
        write.commit().await?;
        Ok(())
    }

    async fn admit(&self, door: &BrowserDoor, provider: &InUse, proven: &Proven) -> Result<PersonId, Refusal> {
        let Some(email) = proven.email.clone() else {
            return Err(self.turn_away(door, provider, Trouble::Unverified).await?);
        };
        if !provider.provider.admits(&email) {
            return Err(self.turn_away(door, provider, Trouble::Uninvited).await?);
        }
        let store = &self.app.store;
        if store.system().credential(&email).await?.is_some() {
            return Err(self.turn_away(door, provider, Trouble::Exists).await?);
        }
        let actor = self.actor(door, provider);
        let name = proven.name().unwrap_or_else(|| email.as_str().chars().take(80).collect());
        let action = AdmitPerson { email, name, provider: provider.provider.label.clone() };
        let proof = store.authorize(&actor, action).await?;
        let mut write = store.write(&actor).await?;
        let person = match write.admit_person(proof, identity(provider, proven)).await {
            // Somebody was quicker, with this address or this identity.
            Err(error @ store::Error::Conflict(_)) if !error.is_frozen() => {
                return Err(Trouble::Exists.refusal(&provider.provider.label));
            }
            person => person?,
        };
        write.commit().await?;
        Ok(person)
    }

    /// Gives them what the rules for their groups and `auth.admin_emails` say. While the tenant is frozen what these would change
    /// waits for the next time, and who signs in reads as what they were.
    async fn follow(
        &self,
        door: &BrowserDoor,
        provider: &InUse,
        proven: &Proven,
        person: PersonId,
    ) -> Result<(), Refusal> {
        let admins = &self.app.config.auth.admin_emails;
        let tenant_role = match proven.email.as_ref().is_some_and(|email| admins.contains(email)) {
            true => TenantRole::Admin,
            false => TenantRole::Person,
        };
        if tenant_role == TenantRole::Person && provider.provider.groups_claim.is_none() {
            return Ok(());
        }
        let roles = self.roles(provider, proven).await?;
        let (store, actor) = (&self.app.store, self.actor(door, provider));
        let action = FollowProvider { person, provider: provider.key.clone(), tenant_role, roles };
        let proof = store.authorize(&actor, action).await?;
        let mut write = store.write(&actor).await?;
        match write.follow_provider(proof).await {
            Ok(true) => Ok(write.commit().await?),
            Ok(false) => Ok(()),
            Err(error) if error.is_frozen() => {
                tracing::info!(%person, provider = provider.key, "the tenant is frozen: what a provider's rules say waits");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The highest role that the rules say for each organization. A rule for one that does not exist says nothing; what
    /// somebody is in an archived one stays what it is, as long as their groups say so.
    async fn roles(&self, provider: &InUse, proven: &Proven) -> Result<Vec<(OrganizationId, Role)>, Refusal> {
        let console = Actor::console(provider.tenant, self.app.store.now());
        let mut read = self.app.store.read(&console).await?;
        let mut roles = BTreeMap::new();
        for rule in provider.provider.groups.iter().filter(|rule| proven.groups.contains(&rule.group)) {
            let organization = match read.organization_named(&rule.organization).await {
                Err(store::Error::NotFound) => {
                    let (provider, organization) = (&provider.key, &rule.organization);
                    tracing::warn!(provider, organization, "a rule names no organization");
                    continue;
                }
                found => found?.id,
            };
            let role = roles.entry(organization).or_insert(rule.role);
            *role = rule.role.max(*role);
        }
        Ok(roles.into_iter().collect())
    }

    /// A refusal that stands in the audit log, for whoever looks after the provider.
    async fn turn_away(&self, door: &BrowserDoor, provider: &InUse, trouble: Trouble) -> Result<Refusal, Refusal> {
        let mut write = self.app.store.write(&self.actor(door, provider)).await?;
        write.note_refused_identity(&provider.key, trouble.reason()).await?;
        write.commit().await?;
        Ok(trouble.refusal(&provider.provider.label))
    }

    /// The same for an answer that proves nothing. Who was to prove themselves anew is known, and so named: it may be somebody
    /// else at their open browser.
    pub(super) async fn not_believed(
        &self,
        door: &BrowserDoor,
        provider: &InUse,
        trouble: Trouble,
    ) -> Result<Refusal, Refusal> {
        let browser = door.browser.as_ref().filter(|browser| browser.actor.tenant == provider.tenant);
        let (Some(browser), Trouble::Stale) = (browser, trouble) else {
            return self.turn_away(door, provider, trouble).await;
        };
        let mut write = self.app.store.write(&browser.actor).await?;
        write.note_refused_factor(trouble.reason()).await?;
        write.commit().await?;
        Ok(trouble.refusal(&provider.provider.label))
    }

    fn actor(&self, door: &BrowserDoor, provider: &InUse) -> Actor {
        let actor = Actor::provider(provider.tenant, &provider.provider.label, self.app.store.now());
        Actor { address: Some(door.address.to_string()), ..actor }
    }
}

fn identity(provider: &InUse, proven: &Proven) -> NewIdentity {
    let called = proven.email.as_ref().map(ToString::to_string).or_else(|| proven.name());
    NewIdentity {
        issuer: proven.issuer.clone(),
        subject: proven.subject.clone(),
        provider: provider.key.clone(),
        name: called.unwrap_or_else(|| provider.provider.label.clone()),
    }
}

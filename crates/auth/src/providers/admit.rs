//! Admission by a provider: the account of a proven identity, whether it may sign in, and its roles.
use super::{ActiveProvider, ProviderFailure, identity::ProvenIdentity};
use crate::{Authenticated, Error, SignIn};
use domain::{
    Actor, BrowserSessionId, OrganizationId, PersonId, SignedInBy, Timestamp,
    policy::{AdmitPerson, LinkIdentity, SyncProviderRoles},
    role::{Role, TenantRole},
};
use std::collections::BTreeMap;
use store::{Conflict, NewIdentity, SignInBasis};

impl SignIn {
    /// Signs someone in: with the account that is linked to their identity, or a new one.
    pub(super) async fn enter(&self, provider: &ActiveProvider, identity: ProvenIdentity) -> Result<(), Error> {
        let system = self.auth.store.system();
        if !provider.provider.takes(identity.email.as_ref()) {
            return Err(self.record_refused_identity(provider, ProviderFailure::DomainNotAllowed).await?);
        }
        let person = match system.identity(provider.tenant, &identity.issuer, &identity.subject).await? {
            Some(identity) => {
                match system.holder(provider.tenant, identity.person_id).await {
                    Err(store::Error::NotFound) => {
                        return Err(self.record_refused_identity(provider, ProviderFailure::AccountLocked).await?);
                    }
                    holder => holder?,
                };
                system.touch_identity(&identity).await?;
                identity.person_id
            }
            None => self.admit(provider, &identity).await?,
        };
        self.follow(provider, &identity, person).await?;
        let authenticated_at = self.authenticated_at(provider, &identity, person).await?;
        tracing::info!(%person, second_factor_verified = identity.second_factor_verified, "signed in by a provider");
        let basis = SignInBasis::Identity { issuer: identity.issuer, subject: identity.subject };
        let (tenant, by, second_factor_verified) =
            (provider.tenant, SignedInBy::Provider, identity.second_factor_verified);
        self.open(Authenticated {
            tenant,
            person,
            by,
            basis,
            second_factor_verified,
            authenticated_at: Some(authenticated_at),
        })
        .await
    }

    /// Returns when the person proved their identity, according to the provider: an old session there is not a fresh proof here. A
    /// person who must enroll a second factor, and cannot give a fresh proof without one, counts as authenticated now.
    async fn authenticated_at(
        &self,
        provider: &ActiveProvider,
        identity: &ProvenIdentity,
        person: PersonId,
    ) -> Result<Timestamp, Error> {
        let (now, system) = (self.auth.store.now(), self.auth.store.system());
        let Some(authenticated_at) = identity.authenticated_at else { return Ok(now) };
        let holder = system.holder(provider.tenant, person).await?;
        let enrolls = !identity.second_factor_verified
            && !holder.has_factor
            && self.auth.settings.second_factor.is_required_of(&holder);
        Ok(if enrolls { now } else { authenticated_at.min(now) })
    }

    /// Links an identity to the account of the session that requested it.
    pub(super) async fn link(
        &self,
        provider: &ActiveProvider,
        identity: ProvenIdentity,
        person: PersonId,
        session: BrowserSessionId,
    ) -> Result<(), Error> {
        let unknown = || ProviderFailure::UnknownSignIn.error(&provider.provider.label);
        let browser = self.browser.as_ref().filter(|browser| browser.session == session).ok_or_else(unknown)?;
        if browser.actor.person() != Some(person) || browser.actor.tenant != provider.tenant {
            return Err(unknown());
        }
        if !provider.provider.takes(identity.email.as_ref()) {
            return Err(ProviderFailure::DomainNotAllowed.error(&provider.provider.label));
        }
        let (store, label) = (&self.auth.store, provider.provider.label.clone());
        let action = LinkIdentity { person, provider: label };
        let proof = store.authorize(&browser.actor, action).await?;
        let mut write = store.write(&browser.actor).await?;
        write.link_identity(proof, new_identity(provider, &identity)).await?;
        write.commit().await?;
        Ok(())
    }

    async fn admit(&self, provider: &ActiveProvider, identity: &ProvenIdentity) -> Result<PersonId, Error> {
        let Some(email) = identity.email.clone() else {
            return Err(self.record_refused_identity(provider, ProviderFailure::UnverifiedEmail).await?);
        };
        if !provider.provider.admits(&email) {
            return Err(self.record_refused_identity(provider, ProviderFailure::NoAccount).await?);
        }
        let (store, actor) = (&self.auth.store, self.provider_actor(provider));
        let name = identity.name().unwrap_or_else(|| email.as_str().chars().take(80).collect());
        let action = AdmitPerson { email, name, provider: provider.provider.label.clone() };
        let proof = store.authorize(&actor, action).await?;
        let mut write = store.write(&actor).await?;
        let person = match write.admit_person(proof, new_identity(provider, identity)).await {
            Err(store::Error::Conflict(Conflict::AccountExists)) => {
                drop(write);
                return Err(self.record_refused_identity(provider, ProviderFailure::AccountExists).await?);
            }
            // A concurrent sign-in has used this identity.
            Err(error @ store::Error::Conflict(_)) if !error.is_frozen() => {
                return Err(ProviderFailure::AccountExists.error(&provider.provider.label));
            }
            person => person?,
        };
        write.commit().await?;
        Ok(person)
    }

    /// Applies the rules for the person's groups, and `auth.admin_emails`. While the tenant is frozen the change waits for the next
    /// sign-in, and the person keeps their rights.
    async fn follow(
        &self,
        provider: &ActiveProvider,
        identity: &ProvenIdentity,
        person: PersonId,
    ) -> Result<(), Error> {
        let admins = &self.auth.settings.admin_emails;
        let tenant_role = match identity.email.as_ref().is_some_and(|email| admins.contains(email)) {
            true => TenantRole::Admin,
            false => TenantRole::Person,
        };
        if tenant_role == TenantRole::Person && provider.provider.groups_claim.is_none() {
            return Ok(());
        }
        let (store, actor) = (&self.auth.store, self.provider_actor(provider));
        let roles = match &identity.groups {
            Some(groups) => Some(self.roles(provider, groups).await?),
            None => None,
        };
        if roles.is_none() && provider.provider.groups_claim.is_some() {
            tracing::warn!(%person, provider = provider.key, "the provider sent no list of groups; roles stay as they are");
            let mut write = store.write(&actor).await?;
            write.note_missing_groups(person, &provider.key).await?;
            write.commit().await?;
        }
        let action = SyncProviderRoles { person, provider: provider.key.clone(), tenant_role, roles };
        let proof = store.authorize(&actor, action).await?;
        let mut write = store.write(&actor).await?;
        match write.sync_roles_from_provider(proof).await {
            Ok(true) => Ok(write.commit().await?),
            Ok(false) => Ok(()),
            Err(error) if error.is_frozen() => {
                tracing::info!(%person, provider = provider.key, "group rules are not applied while the tenant is frozen");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the highest role that the rules give in each organization. A rule for an unknown organization is ignored; a role in an
    /// archived one stays, as long as the person's groups give it.
    async fn roles(&self, provider: &ActiveProvider, groups: &[String]) -> Result<Vec<(OrganizationId, Role)>, Error> {
        let console = Actor::console(provider.tenant, self.auth.store.now());
        let mut read = self.auth.store.read(&console).await?;
        let mut roles = BTreeMap::new();
        for rule in provider.provider.groups.iter().filter(|rule| groups.contains(&rule.group)) {
            let organization = match read.organization_by_name(&rule.organization).await {
                Err(store::Error::NotFound) => {
                    let (provider, organization) = (&provider.key, &rule.organization);
                    tracing::warn!(provider, organization, "a group rule names an unknown organization");
                    continue;
                }
                found => found?.id,
            };
            let role = roles.entry(organization).or_insert(rule.role);
            *role = rule.role.max(*role);
        }
        Ok(roles.into_iter().collect())
    }

    /// Records a refused identity in the audit log, and returns the refusal.
    async fn record_refused_identity(
        &self,
        provider: &ActiveProvider,
        failure: ProviderFailure,
    ) -> Result<Error, Error> {
        let mut write = self.auth.store.write(&self.provider_actor(provider)).await?;
        write.note_refused_identity(&provider.key, failure.reason()).await?;
        write.commit().await?;
        Ok(failure.error(&provider.provider.label))
    }

    /// Records a response that could not be verified, and returns the refusal. For a re-authentication the record names the
    /// signed-in person: someone else may be using their browser.
    pub(super) async fn record_unverified(
        &self,
        provider: &ActiveProvider,
        failure: ProviderFailure,
    ) -> Result<Error, Error> {
        let browser = self.browser.as_ref().filter(|browser| browser.actor.tenant == provider.tenant);
        let (Some(browser), ProviderFailure::NotReauthenticated) = (browser, failure) else {
            return self.record_refused_identity(provider, failure).await;
        };
        let mut write = self.auth.store.write(&browser.actor).await?;
        write.note_refused_factor(failure.reason()).await?;
        write.commit().await?;
        Ok(failure.error(&provider.provider.label))
    }

    fn provider_actor(&self, provider: &ActiveProvider) -> Actor {
        let actor = Actor::provider(provider.tenant, &provider.provider.label, self.auth.store.now());
        Actor { address: Some(self.address.to_string()), ..actor }
    }
}

fn new_identity(provider: &ActiveProvider, identity: &ProvenIdentity) -> NewIdentity {
    let called = identity.email.as_ref().map(ToString::to_string).or_else(|| identity.name());
    NewIdentity {
        issuer: identity.issuer.clone(),
        subject: identity.subject.clone(),
        provider: provider.key.clone(),
        name: called.unwrap_or_else(|| provider.provider.label.clone()),
    }
}

//! Identity provider actions: setup, admission of people, links to accounts, break-glass.
use super::{Action, DenialReason, require, require_admin};
use crate::{
    Actor, Email, IdentityId, OrganizationId, PersonId, Principal, ProviderId, SignedInBy, Timestamp,
    provider::Provider,
    role::{Role, TenantRole},
};
use serde_json::{Value, json};

/// Requires the person themselves: nobody else changes how they sign in.
fn require_self(actor: &Actor, person: PersonId) -> Result<(), DenialReason> {
    require(actor.principal == Principal::Person(person), DenialReason::OwnSignInOnly)
}

fn require_provider_rules(actor: &Actor) -> Result<(), DenialReason> {
    let is_allowed = actor.principal == Principal::Clock && actor.by == SignedInBy::Provider;
    require(is_allowed, DenialReason::ProviderRulesOnly)
}

fn require_console(actor: &Actor) -> Result<(), DenialReason> {
    require(actor.principal == Principal::Console, DenialReason::ConsoleOnly)
}

actions! {
    /// Creates or changes an identity provider.
    SetProvider = "provider.set" on "provider" (|a| a.id.to_string()) {
        id: ProviderId,
        provider: Provider,
        new_secret: bool,
    } if |_, actor| require_admin(actor), detail |a| json!({ "provider": a.provider, "new_secret": a.new_secret }), step_up true;

    RemoveProvider = "provider.remove" on "provider" (|a| a.id.to_string()) {
        id: ProviderId,
    } if |_, actor| require_admin(actor), step_up true, while_frozen true;

    /// Creates an account for a person whom a provider identified.
    AdmitPerson = "person.admit" on "tenant" (|_| String::new()) {
        /// Verified by the provider.
        email: Email,
        name: String,
        /// The label of the provider.
        provider: String,
    } if |_, actor| require_provider_rules(actor),
      detail |a| json!({ "provider": a.provider }),
      personal |a| json!({ "email": a.email, "name": a.name });

    /// Grants a person the roles of the provider's group rules, and revokes those that it granted before.
    SyncProviderRoles = "person.follow_provider" on "person" (|a| a.person.to_string()) {
        person: PersonId,
        /// The key of the provider in URLs.
        provider: String,
        /// The minimum role in the tenant.
        tenant_role: TenantRole,
        /// The roles of the group rules; `None` leaves roles as they are.
        roles: Option<Vec<(OrganizationId, Role)>>,
    } if |_, actor| require_provider_rules(actor),
      detail |a| json!({ "provider": a.provider, "tenant_role": a.tenant_role, "roles": a.roles });

    /// Links an identity to the actor's own account, as a way to sign in.
    LinkIdentity = "identity.link" on "person" (|a| a.person.to_string()) {
        person: PersonId,
        /// The label of the provider.
        provider: String,
    } if |a, actor| require_self(actor, a.person), detail |a| json!({ "provider": a.provider }), step_up true;

    /// Unlinks an identity from the actor's own account.
    UnlinkIdentity = "identity.unlink" on "identity" (|a| a.identity.to_string()) {
        identity: IdentityId,
        person: PersonId,
    } if |a, actor| require_self(actor, a.person), step_up true, while_frozen true;

    /// Allows one admin to sign in with a password for a while although other sign-in methods are required.
    OpenBreakGlass = "break_glass.open" on "person" (|a| a.person.to_string()) {
        person: PersonId,
        until: Timestamp,
        reason: String,
    } if |_, actor| require_console(actor), detail |a| json!({ "until": a.until, "reason": a.reason }), while_frozen true;

    /// Ends break-glass access early.
    CloseBreakGlass = "break_glass.close" on "person" (|a| a.person.to_string()) {
        person: PersonId,
    } if |_, actor| require_console(actor), while_frozen true;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TenantId;
    use uuid::Uuid;

    const MIA: PersonId = PersonId(Uuid::from_u128(1));

    fn mia(fresh: bool) -> Actor {
        let mut actor = Actor::clock(TenantId(Uuid::nil()), Timestamp(0));
        (actor.principal, actor.by, actor.fresh) = (Principal::Person(MIA), SignedInBy::Password, fresh);
        actor
    }

    fn link(person: PersonId) -> LinkIdentity {
        LinkIdentity { person, provider: "Google".into() }
    }

    #[test]
    fn a_02_only_the_owner_links_an_identity_and_only_after_step_up() {
        assert!(mia(true).may(link(MIA)).is_ok());
        assert!(mia(false).may(link(MIA)).is_err());
        assert!(mia(true).may(link(PersonId(Uuid::from_u128(2)))).is_err());
        let mut key = mia(true);
        key.scopes = Some("tasks:*".parse().unwrap());
        assert!(key.may(link(MIA)).is_err());
        let mut admin = Actor::console(TenantId(Uuid::nil()), Timestamp(0));
        assert!(admin.clone().may(link(MIA)).is_err());
        admin.principal = Principal::Person(PersonId(Uuid::from_u128(2)));
        assert!(admin.may(link(MIA)).is_err(), "not even an admin");
    }

    #[test]
    fn a_03_only_the_console_opens_break_glass() {
        let open = || OpenBreakGlass { person: MIA, until: Timestamp(1), reason: "the provider is down".into() };
        assert!(Actor::console(TenantId(Uuid::nil()), Timestamp(0)).may(open()).is_ok());
        let mut admin = mia(true);
        admin.tenant_role = TenantRole::Admin;
        assert!(admin.may(open()).is_err());
    }

    #[test]
    fn a_02_nobody_but_a_provider_admits_people() {
        let admit = || AdmitPerson {
            email: Email::parse("nia@acme.example").unwrap(),
            name: "Nia".into(),
            provider: "Google".into(),
        };
        assert!(Actor::provider(TenantId(Uuid::nil()), "Google", Timestamp(0)).may(admit()).is_ok());
        assert!(Actor::clock(TenantId(Uuid::nil()), Timestamp(0)).may(admit()).is_err());
        assert!(mia(true).may(admit()).is_err());
    }
}

//! What is done about identity providers: setting them up, letting people in by them, and linking them to accounts.
use super::{Action, require_admin, require};
use crate::{
    Actor, Email, IdentityId, OrganizationId, PersonId, Principal, ProviderId, SignedInBy, Timestamp,
    provider::Provider,
    role::{Role, TenantRole},
};
use serde_json::{Value, json};

/// A person's own ways in: only by themselves.
fn own_way_in(actor: &Actor, person: PersonId) -> Result<(), &'static str> {
    require(actor.principal == Principal::Person(person), "Only the person themselves changes how they sign in.")
}

fn by_provider(actor: &Actor) -> Result<(), &'static str> {
    let is = actor.principal == Principal::Clock && actor.by == SignedInBy::Provider;
    require(is, "Only an identity provider's rules do this.")
}

fn at_console(actor: &Actor) -> Result<(), &'static str> {
    require(actor.principal == Principal::Console, "This is done at the server's own console.")
}

actions! {
    /// Sets an identity provider up, or changes it.
    SetProvider = "provider.set" on "provider" (|a| a.id.to_string()) {
        /// Which.
        id: ProviderId,
        /// What it becomes.
        provider: Provider,
        /// Whether its client secret is another from now on.
        new_secret: bool,
    } if |_, actor| require_admin(actor), detail |a| json!({ "provider": a.provider, "new_secret": a.new_secret }), step_up true;

    /// Takes an identity provider away.
    RemoveProvider = "provider.remove" on "provider" (|a| a.id.to_string()) {
        /// Which.
        id: ProviderId,
    } if |_, actor| require_admin(actor), step_up true, while_frozen true;

    /// Makes an account for somebody whom a provider vouches for.
    AdmitPerson = "person.admit" on "tenant" (|_| String::new()) {
        /// Their address; the provider verified it.
        email: Email,
        /// What people call them.
        name: String,
        /// The provider's label.
        provider: String,
    } if |_, actor| by_provider(actor),
      detail |a| json!({ "provider": a.provider }),
      personal |a| json!({ "email": a.email, "name": a.name });

    /// Gives a person the roles that a provider's rules say, and takes back those that it gave before.
    FollowProvider = "person.follow_provider" on "person" (|a| a.person.to_string()) {
        /// Whose.
        person: PersonId,
        /// The provider's key in addresses.
        provider: String,
        /// What they are in the tenant at least.
        tenant_role: TenantRole,
        /// What they are where.
        roles: Vec<(OrganizationId, Role)>,
    } if |_, actor| by_provider(actor),
      detail |a| json!({ "provider": a.provider, "tenant_role": a.tenant_role, "roles": a.roles });

    /// Links an identity to one's own account: from then on it is a way in.
    LinkIdentity = "identity.link" on "person" (|a| a.person.to_string()) {
        /// Whose account.
        person: PersonId,
        /// The provider's label.
        provider: String,
    } if |a, actor| own_way_in(actor, a.person), detail |a| json!({ "provider": a.provider }), step_up true;

    /// Ends a link of one's own.
    UnlinkIdentity = "identity.unlink" on "identity" (|a| a.identity.to_string()) {
        /// Which.
        identity: IdentityId,
        /// Whose account.
        person: PersonId,
    } if |a, actor| own_way_in(actor, a.person), step_up true, while_frozen true;

    /// Opens the way in by password for one admin for a while, though other ways are closed.
    OpenBreakGlass = "break_glass.open" on "person" (|a| a.person.to_string()) {
        /// For whom.
        person: PersonId,
        /// Until when.
        until: Timestamp,
        /// Why, in the operator's words.
        reason: String,
    } if |_, actor| at_console(actor), detail |a| json!({ "until": a.until, "reason": a.reason }), while_frozen true;

    /// Closes it again, before its time.
    CloseBreakGlass = "break_glass.close" on "person" (|a| a.person.to_string()) {
        /// For whom.
        person: PersonId,
    } if |_, actor| at_console(actor), while_frozen true;
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
    fn a_02_only_the_owner_links_and_only_just_after_proving_it() {
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
    fn a_03_break_glass_is_opened_at_the_console_only() {
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

//! Authenticated actors, which only `server/src/auth` and the command line create.
use crate::{
    Action, Allowed, Denied, Email, Invalid, KeyId, OrganizationId, PersonId, RunnerId, TenantId, Timestamp,
    role::{Role, TenantRole},
    scope::{Scope, Scopes},
    string_enum::string_enum,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// The principal behind an actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Principal {
    /// A person in a browser.
    Person(PersonId),
    /// A program with an API key.
    Key {
        key: KeyId,
        owner: PersonId,
    },
    Runner(RunnerId),
    /// An operator at the server's console, who could change the database as well.
    Console,
    /// The server itself, when a timer or a lease expires.
    Clock,
}

string_enum! {
    /// The authentication method of an actor.
    SignedInBy, "signed_in_by", {
        Password = "password",
        Provider = "provider",
        /// A password during break-glass access, while other sign-in methods are required.
        BreakGlass = "break_glass",
        /// A one-time link.
        Link = "link",
        /// A passkey, which also counts as the second factor.
        Passkey = "passkey",
        Key = "key",
        Certificate = "certificate",
        /// Access to the server's machine.
        Console = "console",
    }
}

/// The limits of an API key.
#[derive(Clone, Debug)]
pub struct KeyLimits {
    pub key: KeyId,
    pub scopes: Scopes,
    /// The only organization that the key can reach.
    pub only: Option<OrganizationId>,
    /// Whether the owner is a service account.
    pub service: bool,
}

/// An authenticated principal in one tenant.
#[derive(Clone, Debug)]
pub struct Actor {
    pub tenant: TenantId,
    pub principal: Principal,
    /// The display name of the person, with the name of the key if one is used.
    pub name: String,
    pub email: Option<Email>,
    pub tenant_role: TenantRole,
    pub roles: BTreeMap<OrganizationId, Role>,
    /// The scopes of the key; `None` without a key.
    pub scopes: Option<Scopes>,
    /// The only organization that the key can reach: resources of others do not exist for it.
    pub only: Option<OrganizationId>,
    /// Whether the request comes from a network without admin access: an admin or auditor then has only their
    /// organization roles.
    pub admin_blocked: bool,
    pub by: SignedInBy,
    /// The time of the last authentication, including step-up.
    pub authenticated_at: Timestamp,
    /// Whether that is recent enough for step-up authentication ([`Action::STEP_UP`]). Always true for machines.
    pub fresh: bool,
    /// The source address, for the audit log.
    pub address: Option<String>,
    /// The prefix of the API key, for the audit log and the security log.
    pub key_prefix: Option<String>,
}

impl Actor {
    /// Returns the operator at the console: an admin of `tenant` without a role in any organization.
    pub fn console(tenant: TenantId, now: Timestamp) -> Self {
        Self::machine(tenant, Principal::Console, "console", TenantRole::Admin, SignedInBy::Console, now)
    }

    /// Returns the actor of timers and expired leases.
    pub fn clock(tenant: TenantId, now: Timestamp) -> Self {
        Self::machine(tenant, Principal::Clock, "castellan", TenantRole::Person, SignedInBy::Console, now)
    }

    /// Returns a runner that authenticated with its certificate.
    pub fn runner(tenant: TenantId, runner: RunnerId, name: &str, now: Timestamp) -> Self {
        Self::machine(tenant, Principal::Runner(runner), name, TenantRole::Person, SignedInBy::Certificate, now)
    }

    /// Returns the actor of an identity provider's admission and group rules.
    pub fn provider(tenant: TenantId, label: &str, now: Timestamp) -> Self {
        Self::machine(tenant, Principal::Clock, label, TenantRole::Person, SignedInBy::Provider, now)
    }

    /// Returns the actor of an invitation whose holder has no account yet.
    pub fn invitation(tenant: TenantId, now: Timestamp) -> Self {
        Self::machine(tenant, Principal::Clock, "an invitation", TenantRole::Person, SignedInBy::Link, now)
    }

    fn machine(
        tenant: TenantId,
        principal: Principal,
        name: &str,
        tenant_role: TenantRole,
        by: SignedInBy,
        now: Timestamp,
    ) -> Self {
        let (name, email, address) = (name.to_owned(), None, None);
        Self {
            tenant,
            principal,
            name,
            email,
            tenant_role,
            roles: BTreeMap::new(),
            scopes: None,
            only: None,
            admin_blocked: false,
            by,
            authenticated_at: now,
            fresh: true,
            address,
            key_prefix: None,
        }
    }

    /// Returns this person restricted to one of their API keys: no more than the person's own rights, the scopes of
    /// the key and the organization that it is limited to (M-01). A service account cannot decide approval requests.
    #[must_use]
    pub fn by_key(mut self, owner: PersonId, limits: &KeyLimits) -> Self {
        self.principal = Principal::Key { key: limits.key, owner };
        let scopes = limits.scopes.clone();
        self.scopes = Some(if limits.service { scopes.without(Scope::ApprovalsDecide) } else { scopes });
        self.by = SignedInBy::Key;
        self.only = limits.only;
        if let Some(only) = limits.only {
            self.roles.retain(|organization, _| *organization == only);
            // A key that is limited to one organization has no rights in the tenant.
            self.tenant_role = TenantRole::Person;
        }
        self
    }

    /// Asks the policy, the only source of an [`Allowed`].
    pub fn may<A: Action>(&self, action: A) -> Result<Allowed<A>, Denied> {
        crate::policy::evaluate(self, action)
    }

    /// Returns the person, or the owner of the key.
    pub fn person(&self) -> Option<PersonId> {
        match self.principal {
            Principal::Person(person) | Principal::Key { owner: person, .. } => Some(person),
            Principal::Runner(_) | Principal::Console | Principal::Clock => None,
        }
    }

    pub fn key(&self) -> Option<KeyId> {
        match self.principal {
            Principal::Key { key, .. } => Some(key),
            _ => None,
        }
    }

    /// Returns whether resources of an organization exist for this actor.
    pub fn reaches(&self, organization: OrganizationId) -> bool {
        self.only.is_none_or(|only| only == organization)
    }

    pub fn role_in(&self, organization: OrganizationId) -> Option<Role> {
        self.roles.get(&organization).copied()
    }

    pub fn is_admin(&self) -> bool {
        self.tenant_role == TenantRole::Admin && !self.admin_blocked
    }

    /// Returns whether the actor can read everything in the tenant.
    pub fn can_read_everything(&self) -> bool {
        self.tenant_role >= TenantRole::Auditor && !self.admin_blocked
    }

    /// Returns whether the actor uses no key, or one with this scope.
    pub fn has_scope(&self, scope: Option<Scope>) -> bool {
        match (&self.scopes, scope) {
            (None, _) => true,
            (Some(scopes), Some(scope)) => scopes.allow(scope),
            (Some(_), None) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const OPS: OrganizationId = OrganizationId(Uuid::from_u128(1));
    const LAB: OrganizationId = OrganizationId(Uuid::from_u128(2));
    const ADA: PersonId = PersonId(Uuid::from_u128(3));

    fn ada() -> Actor {
        let mut ada = Actor::clock(TenantId(Uuid::nil()), Timestamp(0));
        ada.principal = Principal::Person(ADA);
        ada.tenant_role = TenantRole::Admin;
        ada.roles = [(OPS, Role::Approver), (LAB, Role::Owner)].into();
        ada
    }

    fn limits(scopes: &str, only: Option<OrganizationId>, service: bool) -> KeyLimits {
        KeyLimits { key: KeyId(Uuid::nil()), scopes: scopes.parse().unwrap(), only, service }
    }

    #[test]
    fn m_01_a_key_acts_for_its_owner_within_its_scopes() {
        let key = ada().by_key(ADA, &limits("tasks:read,approvals:decide", None, false));
        assert_eq!((key.person(), key.key(), key.by), (Some(ADA), Some(KeyId(Uuid::nil())), SignedInBy::Key));
        assert_eq!((key.tenant_role, key.roles.clone()), (TenantRole::Admin, ada().roles));
        assert!(key.has_scope(Some(Scope::TasksRead)) && key.has_scope(Some(Scope::ApprovalsDecide)));
        assert!(!key.has_scope(Some(Scope::TasksSubmit)) && !key.has_scope(None));
        assert!(key.reaches(OPS) && key.reaches(LAB));
    }

    #[test]
    fn m_01_a_key_for_one_organization_has_its_owners_role_there_and_nothing_else() {
        let key = ada().by_key(ADA, &limits("tasks:*,audit:read", Some(OPS), false));
        assert_eq!((key.role_in(OPS), key.role_in(LAB)), (Some(Role::Approver), None));
        assert!(key.reaches(OPS) && !key.reaches(LAB));
        assert!(!key.is_admin() && !key.can_read_everything(), "a key for one organization has no admin rights");
    }

    #[test]
    fn m_01_a_service_account_cannot_decide_whatever_its_key_allows() {
        let key = ada().by_key(ADA, &limits("tasks:*,approvals:*", None, true));
        assert!(!key.has_scope(Some(Scope::ApprovalsDecide)));
        assert!(key.has_scope(Some(Scope::ApprovalsRead)) && key.has_scope(Some(Scope::TasksSubmit)));
    }
}

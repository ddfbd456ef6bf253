//! Who does something: made from a request by `server/src/auth` and by the command line, by nobody else.
use crate::{
    Action, Allowed, Denied, Email, Invalid, KeyId, OrganizationId, PersonId, RunnerId, TenantId, Timestamp,
    role::{Role, TenantRole},
    scope::{Scope, Scopes},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// What kind of being acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Principal {
    /// A person in a browser.
    Person(PersonId),
    /// A program with a person's key.
    Key {
        /// The key.
        key: KeyId,
        /// Whose it is.
        owner: PersonId,
    },
    /// A runner.
    Runner(RunnerId),
    /// Somebody at the server's own console, who could change the database as well.
    Console,
    /// Castellan itself: time ran out, a lease ended.
    Clock,
}

crate::string_enum::string_enum! {
    /// How an actor proved who it is.
    SignedInBy, "signed_in_by", {
        /// A password.
        Password = "password",
        /// An identity provider.
        Provider = "provider",
        /// A password while other ways in are closed: the console opened the way for a while.
        BreakGlass = "break_glass",
        /// A one-time link.
        Link = "link",
        /// A passkey, which is also the second factor.
        Passkey = "passkey",
        /// An API key.
        Key = "key",
        /// A client certificate.
        Certificate = "certificate",
        /// By being on the machine.
        Console = "console",
    }
}

/// What a key is limited to.
#[derive(Clone, Debug)]
pub struct KeyLimits {
    /// The key.
    pub key: KeyId,
    /// What it may do.
    pub scopes: Scopes,
    /// The one organization that it is for.
    pub only: Option<OrganizationId>,
    /// Whether its owner is a service account.
    pub service: bool,
}

/// An authenticated someone, in one tenant.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The tenant that everything this actor does stays in.
    pub tenant: TenantId,
    /// Who.
    pub principal: Principal,
    /// What people call the person, and the key if one is used.
    pub name: String,
    /// The person's address, where there is a person.
    pub email: Option<Email>,
    /// What the person is in the tenant.
    pub tenant_role: TenantRole,
    /// What the person is in each organization.
    pub roles: BTreeMap<OrganizationId, Role>,
    /// What a key is limited to; `None` for everybody who uses no key.
    pub scopes: Option<Scopes>,
    /// The one organization that a key is limited to: whatever is of another one is not there for it.
    pub only: Option<OrganizationId>,
    /// Whether the request comes from an address that admin work is not allowed from: then an admin is none, and an auditor
    /// neither.
    pub admin_blocked: bool,
    /// How they signed in.
    pub by: SignedInBy,
    /// When they last proved who they are.
    pub proved_at: Timestamp,
    /// Whether that was lately enough for what asks for it ([`Action::FRESH`]). Of machines nothing is asked.
    pub fresh: bool,
    /// Where the request came from, for the audit log.
    pub address: Option<String>,
    /// The beginning of the key that it uses, to recognize it by in the audit log.
    pub key_prefix: Option<String>,
}

impl Actor {
    /// Somebody at the server's console: an admin of `tenant`, and approver of nothing.
    pub fn console(tenant: TenantId, now: Timestamp) -> Self {
        Self::machine(tenant, Principal::Console, "console", TenantRole::Admin, SignedInBy::Console, now)
    }

    /// Castellan itself, when time does something.
    pub fn clock(tenant: TenantId, now: Timestamp) -> Self {
        Self::machine(tenant, Principal::Clock, "castellan", TenantRole::Person, SignedInBy::Console, now)
    }

    /// A runner that proved itself by its certificate.
    pub fn runner(tenant: TenantId, runner: RunnerId, name: &str, now: Timestamp) -> Self {
        Self::machine(tenant, Principal::Runner(runner), name, TenantRole::Person, SignedInBy::Certificate, now)
    }

    /// An identity provider, as far as it decides by its rules: who comes in, and as what.
    pub fn provider(tenant: TenantId, label: &str, now: Timestamp) -> Self {
        Self::machine(tenant, Principal::Clock, label, TenantRole::Person, SignedInBy::Provider, now)
    }

    /// Whoever holds an invitation and has no account yet, as far as the invitation decides.
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
            proved_at: now,
            fresh: true,
            address,
            key_prefix: None,
        }
    }

    /// The same person as a program with a key of theirs stands before the policy: with no more than they have themselves, than
    /// the key's scopes say, and than one organization gives, where it is for one (M-01). A service account decides nothing.
    #[must_use]
    pub fn by_key(mut self, owner: PersonId, reins: &KeyLimits) -> Self {
        self.principal = Principal::Key { key: reins.key, owner };
        let scopes = reins.scopes.clone();
        self.scopes = Some(if reins.service { scopes.without(Scope::ApprovalsDecide) } else { scopes });
        self.by = SignedInBy::Key;
        self.only = reins.only;
        if let Some(only) = reins.only {
            self.roles.retain(|organization, _| *organization == only);
            // Within one organization nobody reads or manages the whole tenant.
            self.tenant_role = TenantRole::Person;
        }
        self
    }

    /// The one way to an [`Allowed`]: asks the policy.
    pub fn may<A: Action>(&self, action: A) -> Result<Allowed<A>, Denied> {
        crate::policy::evaluate(self, action)
    }

    /// The person behind it, if there is one.
    pub fn person(&self) -> Option<PersonId> {
        match self.principal {
            Principal::Person(person) | Principal::Key { owner: person, .. } => Some(person),
            Principal::Runner(_) | Principal::Console | Principal::Clock => None,
        }
    }

    /// The key it uses, if it uses one.
    pub fn key(&self) -> Option<KeyId> {
        match self.principal {
            Principal::Key { key, .. } => Some(key),
            _ => None,
        }
    }

    /// Whether what belongs to an organization can be there for it.
    pub fn reaches(&self, organization: OrganizationId) -> bool {
        self.only.is_none_or(|only| only == organization)
    }

    /// Its role in an organization.
    pub fn role_in(&self, organization: OrganizationId) -> Option<Role> {
        self.roles.get(&organization).copied()
    }

    /// Whether it is an admin of the tenant.
    pub fn is_admin(&self) -> bool {
        self.tenant_role == TenantRole::Admin && !self.admin_blocked
    }

    /// Whether it sees everything in the tenant.
    pub fn reads_everything(&self) -> bool {
        self.tenant_role >= TenantRole::Auditor && !self.admin_blocked
    }

    /// Whether its key, if it uses one, has the scope.
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

    fn reins(scopes: &str, only: Option<OrganizationId>, service: bool) -> KeyLimits {
        KeyLimits { key: KeyId(Uuid::nil()), scopes: scopes.parse().unwrap(), only, service }
    }

    #[test]
    fn m_01_a_key_stands_for_its_owner_with_its_scopes() {
        let key = ada().by_key(ADA, &reins("tasks:read,approvals:decide", None, false));
        assert_eq!((key.person(), key.key(), key.by), (Some(ADA), Some(KeyId(Uuid::nil())), SignedInBy::Key));
        assert_eq!((key.tenant_role, key.roles.clone()), (TenantRole::Admin, ada().roles));
        assert!(key.has_scope(Some(Scope::TasksRead)) && key.has_scope(Some(Scope::ApprovalsDecide)));
        assert!(!key.has_scope(Some(Scope::TasksSubmit)) && !key.has_scope(None));
        assert!(key.reaches(OPS) && key.reaches(LAB));
    }

    #[test]
    fn m_01_a_key_for_one_organization_has_its_owners_role_there_and_nothing_else() {
        let key = ada().by_key(ADA, &reins("tasks:*,audit:read", Some(OPS), false));
        assert_eq!((key.role_in(OPS), key.role_in(LAB)), (Some(Role::Approver), None));
        assert!(key.reaches(OPS) && !key.reaches(LAB));
        assert!(!key.is_admin() && !key.reads_everything(), "within one organization nobody is an admin");
    }

    #[test]
    fn m_01_a_service_account_decides_nothing_whatever_its_key_says() {
        let key = ada().by_key(ADA, &reins("tasks:*,approvals:*", None, true));
        assert!(!key.has_scope(Some(Scope::ApprovalsDecide)));
        assert!(key.has_scope(Some(Scope::ApprovalsRead)) && key.has_scope(Some(Scope::TasksSubmit)));
    }
}

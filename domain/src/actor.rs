//! Who does something: made from a request by `server/src/auth` and by the command line, by nobody else.
use crate::{
    Action, Allowed, Denied, Email, Invalid, KeyId, OrganisationId, PersonId, RunnerId, TenantId, Timestamp,
    role::{Role, TenantRole, words},
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

words! {
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
    /// What the person is in each organisation.
    pub roles: BTreeMap<OrganisationId, Role>,
    /// What a key is limited to; `None` for everybody who uses no key.
    pub scopes: Option<Scopes>,
    /// The one organisation that a key is limited to: whatever is of another one is not there for it.
    pub only: Option<OrganisationId>,
    /// Whether the request comes from an address that admin work is not allowed from: then an admin is none, and an auditor
    /// neither.
    pub held_off: bool,
    /// How they signed in.
    pub by: SignedInBy,
    /// When they last proved who they are.
    pub proved_at: Timestamp,
    /// Whether that was lately enough for what asks for it ([`Action::FRESH`]). Of machines nothing is asked.
    pub fresh: bool,
    /// Where the request came from, for the audit log.
    pub address: Option<String>,
    /// The beginning of the key that it uses, to recognise it by in the audit log.
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
            held_off: false,
            by,
            proved_at: now,
            fresh: true,
            address,
            key_prefix: None,
        }
    }

    /// The one way to an [`Allowed`]: asks the policy.
    pub fn may<A: Action>(&self, action: A) -> Result<Allowed<A>, Denied> {
        crate::policy::decide(self, action)
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

    /// Whether what belongs to an organisation can be there for it.
    pub fn reaches(&self, organisation: OrganisationId) -> bool {
        self.only.is_none_or(|only| only == organisation)
    }

    /// Its role in an organisation.
    pub fn role_in(&self, organisation: OrganisationId) -> Option<Role> {
        self.roles.get(&organisation).copied()
    }

    /// Whether it is an admin of the tenant.
    pub fn is_admin(&self) -> bool {
        self.tenant_role == TenantRole::Admin && !self.held_off
    }

    /// Whether it sees everything in the tenant.
    pub fn reads_everything(&self) -> bool {
        self.tenant_role >= TenantRole::Auditor && !self.held_off
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

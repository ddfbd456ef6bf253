//! Scopes of API keys, which never grant more than the owner's own rights.
use crate::{
    Invalid,
    role::{Role, TenantRole},
    string_enum::string_enum,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};

string_enum! {
    /// A permission of an API key.
    Scope, "scopes", {
        /// Read tasks, their output and receipts.
        TasksRead = "tasks:read",
        /// Submit tasks and run them again.
        TasksSubmit = "tasks:submit",
        TasksCancel = "tasks:cancel",
        /// Read the approval queue.
        ApprovalsRead = "approvals:read",
        /// Approve and deny.
        ApprovalsDecide = "approvals:decide",
        AuditRead = "audit:read",
    }
}

impl Scope {
    /// Returns whether a person with these roles can use the scope at all; `role` is their highest role in an
    /// organization.
    pub fn is_held_by(self, tenant: TenantRole, role: Option<Role>) -> bool {
        match self {
            Self::TasksRead | Self::ApprovalsRead => true,
            Self::TasksSubmit => role >= Some(Role::Member),
            Self::TasksCancel => role >= Some(Role::Member) || tenant == TenantRole::Admin,
            Self::ApprovalsDecide => role >= Some(Role::Approver),
            Self::AuditRead => tenant >= TenantRole::Auditor,
        }
    }
}

/// A set of scopes, written `tasks:*,audit:read`. `noun:*` means all scopes of that noun.
///
/// ```
/// use domain::scope::{Scope, Scopes};
/// let scopes: Scopes = "tasks:*,audit:read".parse().unwrap();
/// assert!(scopes.allow(Scope::TasksCancel) && !scopes.allow(Scope::ApprovalsDecide));
/// assert_eq!(scopes.to_string(), "tasks:read,tasks:submit,tasks:cancel,audit:read");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    pub fn allow(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Checks that a key's owner holds every scope.
    ///
    /// # Errors
    /// Fails with the first scope that exceeds the owner's rights, as text for the creator of the key.
    pub fn within(&self, tenant: TenantRole, role: Option<Role>) -> Result<(), Invalid> {
        match self.iter().find(|scope| !scope.is_held_by(tenant, role)) {
            Some(excess) => Err(Invalid::new("scopes", format!("{excess} exceeds the rights of the key's owner"))),
            None => Ok(()),
        }
    }

    /// Returns the scopes without one of them.
    #[must_use]
    pub fn without(mut self, scope: Scope) -> Self {
        self.0.remove(&scope);
        self
    }

    pub fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl FromStr for Scopes {
    type Err = Invalid;
    /// Parses a comma-separated list; an unknown scope and an empty list are errors.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut scopes = BTreeSet::new();
        for pattern in text.split(',').map(str::trim).filter(|w| !w.is_empty()) {
            let matching: Vec<_> = Scope::ALL.iter().copied().filter(|scope| includes(pattern, *scope)).collect();
            if matching.is_empty() {
                let known: Vec<_> = Scope::ALL.iter().map(|s| s.as_str()).collect();
                return Err(Invalid::new(
                    "scopes",
                    format!("{pattern} is unknown; use {}, or noun:*", known.join(", ")),
                ));
            }
            scopes.extend(matching);
        }
        if scopes.is_empty() {
            return Err(Invalid::new("scopes", "must contain at least one scope"));
        }
        Ok(Self(scopes))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|s| s.as_str()).collect();
        f.write_str(&names.join(","))
    }
}

impl TryFrom<String> for Scopes {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Scopes> for String {
    fn from(scopes: Scopes) -> Self {
        scopes.to_string()
    }
}

/// Returns whether `pattern` (`tasks:read` or `tasks:*`) includes `scope`.
fn includes(pattern: &str, scope: Scope) -> bool {
    match pattern.strip_suffix('*') {
        Some(noun) => noun.ends_with(':') && scope.as_str().starts_with(noun),
        None => scope.as_str() == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m_01_a_star_includes_all_scopes_of_a_noun() {
        let scopes: Scopes = "tasks:*, audit:read".parse().unwrap();
        assert_eq!(scopes.to_string(), "tasks:read,tasks:submit,tasks:cancel,audit:read");
        assert!(!scopes.allow(Scope::ApprovalsDecide));
    }

    #[test]
    fn m_01_a_scope_beyond_the_owners_roles_is_refused() {
        let all: Scopes = "tasks:*,approvals:*,audit:read".parse().unwrap();
        assert!(all.within(TenantRole::Admin, Some(Role::Approver)).is_ok());
        for (scopes, tenant, role) in [
            ("audit:read", TenantRole::Person, Some(Role::Owner)),
            ("approvals:decide", TenantRole::Admin, Some(Role::Member)),
            ("tasks:submit", TenantRole::Auditor, Some(Role::Viewer)),
            ("tasks:cancel", TenantRole::Person, None),
        ] {
            let scopes: Scopes = scopes.parse().unwrap();
            assert_eq!(scopes.within(tenant, role).unwrap_err().field, "scopes", "{scopes}");
        }
    }

    #[test]
    fn m_01_unknown_and_empty_scopes_are_refused() {
        for bad in ["", ",", "*", ":*", "tasks", "tasks:", "tasks:r*", "tasks:read,secrets:*"] {
            assert!(bad.parse::<Scopes>().is_err(), "{bad:?}");
        }
    }
}

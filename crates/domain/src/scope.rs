//! Scopes of API keys: what a program may do, never more than its owner.
use crate::{
    Invalid,
    role::{Role, TenantRole},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};

crate::string_enum::string_enum! {
    /// One thing that a key may be allowed to do.
    Scope, "scopes", {
        /// See tasks, their output and receipts.
        TasksRead = "tasks:read",
        /// Submit tasks, and run them again.
        TasksSubmit = "tasks:submit",
        /// Cancel tasks.
        TasksCancel = "tasks:cancel",
        /// See the approval queue.
        ApprovalsRead = "approvals:read",
        /// Approve and deny.
        ApprovalsDecide = "approvals:decide",
        /// Read the audit log.
        AuditRead = "audit:read",
    }
}

impl Scope {
    /// Whether somebody with this role in the tenant, and this one as the highest in an organization, can do any of it.
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

/// The scopes of a key, written `tasks:*,audit:read`. `noun:*` stands for all of that noun's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Whether `scope` is among them.
    pub fn allow(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// The first one that is more than the key's owner can do.
    ///
    /// # Errors
    /// Which, in words for whoever makes the key.
    pub fn within(&self, tenant: TenantRole, role: Option<Role>) -> Result<(), Invalid> {
        match self.iter().find(|scope| !scope.is_held_by(tenant, role)) {
            Some(more) => Err(Invalid::new("scopes", format!("{more} is more than the key's owner may do there"))),
            None => Ok(()),
        }
    }

    /// The same without one.
    #[must_use]
    pub fn without(mut self, scope: Scope) -> Self {
        self.0.remove(&scope);
        self
    }

    /// All of them, in their order.
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
    /// Reads a comma-separated list; an unknown scope and an empty list are refused.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut scopes = BTreeSet::new();
        for word in text.split(',').map(str::trim).filter(|w| !w.is_empty()) {
            let meant: Vec<_> = Scope::ALL.iter().copied().filter(|scope| covers(word, *scope)).collect();
            if meant.is_empty() {
                let known: Vec<_> = Scope::ALL.iter().map(|s| s.as_str()).collect();
                return Err(Invalid::new("scopes", format!("{word} is unknown; use {}, or noun:*", known.join(", "))));
            }
            scopes.extend(meant);
        }
        if scopes.is_empty() {
            return Err(Invalid::new("scopes", "must name at least one scope"));
        }
        Ok(Self(scopes))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.0.iter().map(|s| s.as_str()).collect();
        f.write_str(&words.join(","))
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

/// Whether `word` (`tasks:read` or `tasks:*`) stands for `scope`.
fn covers(word: &str, scope: Scope) -> bool {
    match word.strip_suffix('*') {
        Some(noun) => noun.ends_with(':') && scope.as_str().starts_with(noun),
        None => scope.as_str() == word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m_01_a_star_stands_for_all_of_a_noun() {
        let scopes: Scopes = "tasks:*, audit:read".parse().unwrap();
        assert_eq!(scopes.to_string(), "tasks:read,tasks:submit,tasks:cancel,audit:read");
        assert!(!scopes.allow(Scope::ApprovalsDecide));
    }

    #[test]
    fn m_01_a_scope_is_more_than_somebody_may_whose_role_does_not_reach() {
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
    fn m_01_what_is_unknown_or_empty_is_refused() {
        for bad in ["", ",", "*", ":*", "tasks", "tasks:", "tasks:r*", "tasks:read,secrets:*"] {
            assert!(bad.parse::<Scopes>().is_err(), "{bad:?}");
        }
    }
}

//! Changes that a second admin or owner confirms (D-04).
use crate::{
    Email, Invalid, OrganizationId, PersonId,
    request::InputDigest,
    role::{Role, TenantRole},
    string_enum::string_enum,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, time::Duration};

/// The time after which a request for confirmation expires.
pub const LIFETIME: Duration = Duration::from_hours(7 * 24);

string_enum! {
    /// The state of a request for confirmation.
    ConfirmationState, "state", {
        Waiting = "waiting",
        Confirmed = "confirmed",
        Declined = "declined",
        Withdrawn = "withdrawn",
        Expired = "expired",
    }
}

/// A change that makes somebody an approver, gives access to the account of one, or weakens what approvals protect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case", deny_unknown_fields)]
pub enum ProtectedChange {
    Membership {
        organization: OrganizationId,
        person: PersonId,
        role: Role,
    },
    TenantRole {
        person: PersonId,
        tenant_role: TenantRole,
    },
    PasswordLink {
        person: PersonId,
    },
    FactorsReset {
        person: PersonId,
    },
    Address {
        person: PersonId,
        email: Email,
    },
    AllowSelfApproval,
    DisableDualControl,
    /// Replaces this version of the rules by ones that are not proven to be at least as strict.
    LoosenRules {
        version: i64,
        digest: InputDigest,
    },
}

impl ProtectedChange {
    /// Returns the organization whose owners can confirm it; `None` if only admins can.
    pub const fn organization(&self) -> Option<OrganizationId> {
        match self {
            Self::Membership { organization, .. } => Some(*organization),
            _ => None,
        }
    }

    /// Returns the person concerned; `None` for settings.
    pub const fn person(&self) -> Option<PersonId> {
        match self {
            Self::Membership { person, .. }
            | Self::TenantRole { person, .. }
            | Self::PasswordLink { person }
            | Self::FactorsReset { person }
            | Self::Address { person, .. } => Some(*person),
            Self::AllowSelfApproval | Self::DisableDualControl | Self::LoosenRules { .. } => None,
        }
    }
}

impl fmt::Display for ProtectedChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for ProtectedChange {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        serde_json::from_str(text).map_err(|_| Invalid::new("change", "must be a known change"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn d_04_a_change_is_read_from_its_own_text_only() {
        let person = PersonId(Uuid::from_u128(1));
        let change = ProtectedChange::TenantRole { person, tenant_role: TenantRole::Admin };
        assert_eq!(change.to_string().parse(), Ok(change.clone()));
        assert_eq!(change.person(), Some(person));
        assert_eq!(ProtectedChange::AllowSelfApproval.to_string(), r#"{"change":"allow_self_approval"}"#);
        assert!(r#"{"change":"password_link"}"#.parse::<ProtectedChange>().is_err());
        assert!(change.to_string().replace('}', r#","more":1}"#).parse::<ProtectedChange>().is_err());
    }
}

//! What a person is in an organization, and in the tenant.
use crate::Invalid;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $field:literal, { $($(#[$vdoc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),* }

        impl $name {
            /// All of them, in their order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word used in the database, the API and forms.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = Invalid;
            fn from_str(text: &str) -> Result<Self, Invalid> {
                Self::ALL.iter().copied().find(|w| w.as_str() == text).ok_or_else(|| {
                    let words: Vec<_> = Self::ALL.iter().map(|w| w.as_str()).collect();
                    Invalid::new($field, format!("must be one of {}", words.join(", ")))
                })
            }
        }
    };
}
pub(crate) use words;

words! {
    /// A person's role in one organization. Each may do what those before it may.
    Role, "role", {
        /// Sees what the organization shares.
        Viewer = "viewer",
        /// Submits tasks.
        Member = "member",
        /// Decides requests of others.
        Approver = "approver",
        /// Manages the organization's members.
        Owner = "owner",
    }
}

words! {
    /// What a person is in the whole tenant, beside the roles in organizations.
    TenantRole, "tenant_role", {
        /// Nothing beyond the organizations.
        Person = "person",
        /// Reads everything, changes nothing.
        Auditor = "auditor",
        /// Manages people, organizations, rules, runners and settings.
        Admin = "admin",
    }
}

//! Access reviews: what an admin goes through, and the answers.
use crate::{Invalid, string_enum::string_enum};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// A right that is looked at again.
    Right, "right", {
        /// What somebody is in the tenant, where that is more than a person.
        TenantRole = "tenant_role",
        /// A role in an organization.
        Membership = "membership",
        /// An API key.
        Key = "key",
    }
}

string_enum! {
    /// What becomes of it.
    Verdict, "verdict", {
        /// It stays.
        Keep = "keep",
        /// It was taken away.
        Revoke = "revoke",
    }
}

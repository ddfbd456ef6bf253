//! Access reviews: what an admin goes through, and the answers.
use crate::{Invalid, role::words};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

words! {
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

words! {
    /// What becomes of it.
    Verdict, "verdict", {
        /// It stays.
        Keep = "keep",
        /// It was taken away.
        Revoke = "revoke",
    }
}

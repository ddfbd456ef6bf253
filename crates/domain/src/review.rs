//! Access reviews: the reviewed rights and the verdicts.
use crate::{Invalid, string_enum::string_enum};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// A kind of right under review.
    Right, "right", {
        /// A role in the tenant above [`TenantRole::Person`](crate::role::TenantRole::Person).
        TenantRole = "tenant_role",
        Membership = "membership",
        Key = "key",
    }
}

string_enum! {
    /// The verdict on a right under review.
    Verdict, "verdict", {
        Keep = "keep",
        Revoke = "revoke",
    }
}

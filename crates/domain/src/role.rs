//! What a person is in an organization, and in the tenant.
use crate::{Invalid, string_enum::string_enum};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
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

string_enum! {
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

//! Roles of people in organizations and in the tenant.
use crate::{Invalid, string_enum::string_enum};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// A person's role in one organization. Each role includes the rights of those before it.
    ///
    /// ```
    /// use domain::role::Role;
    /// assert!(Role::Owner > Role::Approver && Role::Member > Role::Viewer);
    /// assert!(Some(Role::Viewer) > None);
    /// ```
    Role, "role", {
        /// Sees what the organization shares.
        Viewer = "viewer",
        /// Submits tasks.
        Member = "member",
        /// Decides approval requests of others.
        Approver = "approver",
        /// Manages the organization and its members.
        Owner = "owner",
    }
}

string_enum! {
    /// A person's role in the whole tenant, in addition to the roles in organizations.
    TenantRole, "tenant_role", {
        /// No rights beyond the organizations.
        Person = "person",
        /// Reads everything, changes nothing.
        Auditor = "auditor",
        /// Manages people, organizations, rules, runners and settings.
        Admin = "admin",
    }
}

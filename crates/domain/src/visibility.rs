//! Task visibility (A-05). The store has the same predicate in SQL; a property test compares both.
use crate::{Actor, Invalid, OrganizationId, PersonId, access::AccessReason, role::Role, string_enum::string_enum};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// Who can see a task in addition to its owner, the tenant's admins and its auditors.
    Visibility, "visibility", {
        /// No other people.
        Private = "private",
        /// Members of its organization.
        Org = "org",
        /// Everyone in the tenant.
        Public = "public",
    }
}

/// The attributes of a task that decide who can see it.
///
/// ```
/// use domain::visibility::Visibility;
/// assert_eq!("org".parse(), Ok(Visibility::Org));
/// assert_eq!("team".parse::<Visibility>().unwrap_err().field, "visibility");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AccessAttributes {
    pub owner: PersonId,
    pub organization: OrganizationId,
    pub visibility: Visibility,
    /// Whether it ever needed approval: then the organization's approvers can see it regardless of its visibility,
    /// because they decide it and are accountable for it.
    pub required_approval: bool,
}

impl AccessAttributes {
    /// Returns why `actor`, who must be of the same tenant, can see the task; empty if they cannot.
    pub fn why(&self, actor: &Actor) -> impl Iterator<Item = AccessReason> {
        let (role, reaches) = (actor.role_in(self.organization), actor.reaches(self.organization));
        let judges = self.required_approval && role >= Some(Role::Approver);
        let reasons = [
            (actor.person() == Some(self.owner)).then_some(AccessReason::Own),
            role.filter(|_| self.visibility == Visibility::Org).map(AccessReason::Role),
            judges.then_some(AccessReason::Approver),
            (self.visibility == Visibility::Public).then_some(AccessReason::Everybody),
            actor.can_read_everything().then_some(AccessReason::TenantRole(actor.tenant_role)),
        ];
        reasons.into_iter().flatten().filter(move |_| reaches)
    }

    /// Returns whether `actor`, who must be of the same tenant, can see the task.
    pub fn is_visible_to(&self, actor: &Actor) -> bool {
        self.why(actor).next().is_some()
    }
}

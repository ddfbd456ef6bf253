//! Who sees a task beside its owner. The store's SQL predicate says the same; a property test holds them equal.
use crate::{Actor, Invalid, OrganizationId, PersonId, access::Why, role::Role};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

crate::string_enum::string_enum! {
    /// Who sees a resource beside its owner, the tenant's admins and its auditors.
    Visibility, "visibility", {
        /// Nobody.
        Private = "private",
        /// Members of its organization.
        Org = "org",
        /// Any signed-in user of the tenant.
        Public = "public",
    }
}

/// What decides who sees a task.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// Who submitted it.
    pub owner: PersonId,
    /// Where it belongs.
    pub organization: OrganizationId,
    /// As its owner chose.
    pub visibility: Visibility,
    /// Whether it ever asked for approval: then the organization's approvers see it, whatever its visibility,
    /// because they have to judge it and to answer for it.
    pub asked: bool,
}

impl Sight {
    /// Why `actor`, who is of the same tenant, sees the task; nothing when they do not.
    pub fn why(&self, actor: &Actor) -> impl Iterator<Item = Why> {
        let (role, reaches) = (actor.role_in(self.organization), actor.reaches(self.organization));
        let judges = self.asked && role >= Some(Role::Approver);
        let reasons = [
            (actor.person() == Some(self.owner)).then_some(Why::Own),
            role.filter(|_| self.visibility == Visibility::Org).map(Why::Role),
            judges.then_some(Why::Judges),
            (self.visibility == Visibility::Public).then_some(Why::Everybody),
            actor.reads_everything().then_some(Why::TenantRole(actor.tenant_role)),
        ];
        reasons.into_iter().flatten().filter(move |_| reaches)
    }

    /// Whether `actor`, who is of the same tenant, sees the task.
    pub fn seen_by(&self, actor: &Actor) -> bool {
        self.why(actor).next().is_some()
    }
}

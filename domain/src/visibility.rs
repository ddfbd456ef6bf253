//! Who sees a task beside its owner. The store's SQL predicate says the same; a property test holds them equal.
use crate::{
    Actor, Invalid, OrganisationId, PersonId,
    role::{Role, words},
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

words! {
    /// Who sees a resource beside its owner, the tenant's admins and its auditors.
    Visibility, "visibility", {
        /// Nobody.
        Private = "private",
        /// Members of its organisation.
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
    pub organisation: OrganisationId,
    /// As its owner chose.
    pub visibility: Visibility,
    /// Whether it ever asked for approval: then the organisation's approvers see it, whatever its visibility,
    /// because they have to judge it and to answer for it.
    pub asked: bool,
}

impl Sight {
    /// Whether `actor`, who is of the same tenant, sees the task.
    pub fn seen_by(&self, actor: &Actor) -> bool {
        if !actor.reaches(self.organisation) {
            return false;
        }
        let role = actor.role_in(self.organisation);
        actor.person() == Some(self.owner)
            || actor.reads_everything()
            || match self.visibility {
                Visibility::Public => true,
                Visibility::Org => role.is_some(),
                Visibility::Private => false,
            }
            || (self.asked && role >= Some(Role::Approver))
    }
}

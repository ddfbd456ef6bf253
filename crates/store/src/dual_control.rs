//! Types of dual control: who makes a change, whether it took effect, and who else could confirm it (D-04).
use crate::db::column::row_type;
use domain::{OrganizationId, PersonId, confirmation::ProtectedChange};

/// Whether a change took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    Now,
    /// Another admin or owner has to confirm it.
    AfterConfirmation,
}

/// Who made a change, for its announcement.
#[derive(Clone, Debug)]
pub(crate) struct Maker {
    /// `None` for the console and for an identity provider's group rules.
    pub id: Option<PersonId>,
    pub name: String,
}

row_type! {
    /// An admin of the tenant, or an owner of an organization.
    pub struct Manager {
        pub person_id: PersonId,
        /// `None` for an admin of the tenant.
        pub organization_id: Option<OrganizationId>,
    }
}

/// The admins of a tenant and the owners of its organizations, by person. It includes locked accounts, and those who had such a role in the
/// last 24 hours: otherwise an admin could lock or demote the others and be the only one.
#[derive(Clone, Debug)]
pub(crate) struct Managers(pub Vec<Manager>);

impl Managers {
    /// Returns each person once.
    pub(crate) fn ids(&self) -> Vec<PersonId> {
        let mut ids: Vec<_> = self.0.iter().map(|manager| manager.person_id).collect();
        ids.dedup();
        ids
    }

    /// Returns whether there is one besides this person.
    pub(crate) fn include_other_than(&self, person: PersonId) -> bool {
        self.0.iter().any(|manager| manager.person_id != person)
    }

    /// Returns those who can confirm a change of this requester: as [`domain::policy::ConfirmChange`].
    pub(crate) fn confirmers(&self, change: &ProtectedChange, requester: PersonId) -> Vec<PersonId> {
        let of_change =
            |manager: &&Manager| manager.organization_id.is_none() || manager.organization_id == change.organization();
        let mut ids: Vec<_> = self.0.iter().filter(of_change).map(|manager| manager.person_id).collect();
        ids.retain(|id| *id != requester && Some(*id) != change.person());
        ids.dedup();
        ids
    }
}

/// The change that a transaction applies because it was confirmed.
#[derive(Clone, Debug)]
pub(crate) struct ConfirmedChange {
    pub change: ProtectedChange,
    pub requester: PersonId,
    /// The name of the requester.
    pub name: String,
}

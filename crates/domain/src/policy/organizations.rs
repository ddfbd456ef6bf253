//! Organization actions, and leaving an organization.
use super::{Action, DenialReason, require, require_manager};
use crate::{Actor, OrganizationId, PersonId, Principal};
use serde_json::{Value, json};

actions! {
    RenameOrganization = "organization.rename" on "organization" (|a| a.organization.to_string()) {
        organization: OrganizationId,
        /// The new name.
        name: String,
    } if |a, actor| require_manager(actor, a.organization), detail |a| json!({ "name": a.name }), step_up true;

    /// Archives an organization: it stays readable, and no task is submitted or starts in it.
    ArchiveOrganization = "organization.archive" on "organization" (|a| a.organization.to_string()) {
        organization: OrganizationId,
    } if |a, actor| require_manager(actor, a.organization), step_up true;

    RestoreOrganization = "organization.restore" on "organization" (|a| a.organization.to_string()) {
        organization: OrganizationId,
    } if |a, actor| require_manager(actor, a.organization), step_up true;

    /// Sets whether people can request to join an organization.
    SetAcceptsJoinRequests = "organization.requests" on "organization" (|a| a.organization.to_string()) {
        organization: OrganizationId,
        open: bool,
    } if |a, actor| require_manager(actor, a.organization), detail |a| json!({ "open": a.open }), step_up true;

    /// Removes the actor from an organization.
    LeaveOrganization = "membership.leave" on "organization" (|a| a.organization.to_string()) {
        organization: OrganizationId,
        /// The actor.
        person: PersonId,
        /// The new responsible person of the actor's service accounts in the organization.
        successor: Option<PersonId>,
    } if |a, actor| require(actor.principal == Principal::Person(a.person), DenialReason::OwnDepartureOnly),
      detail |a| json!({ "successor": a.successor }), step_up true, while_frozen true;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        SignedInBy, TenantId, Timestamp,
        role::{Role, TenantRole},
    };
    use uuid::Uuid;

    const ORG: OrganizationId = OrganizationId(Uuid::from_u128(9));
    const SELF: PersonId = PersonId(Uuid::from_u128(1));

    fn somebody(role: Option<Role>) -> Actor {
        let mut actor = Actor::clock(TenantId(Uuid::nil()), Timestamp(0));
        (actor.principal, actor.by) = (Principal::Person(SELF), SignedInBy::Password);
        actor.roles.extend(role.map(|role| (ORG, role)));
        actor
    }

    #[test]
    fn d_03_only_owners_and_admins_archive() {
        let archive = || ArchiveOrganization { organization: ORG };
        let restore = || RestoreOrganization { organization: ORG };
        for role in [None, Some(Role::Viewer), Some(Role::Member), Some(Role::Approver)] {
            assert!(somebody(role).may(archive()).is_err() && somebody(role).may(restore()).is_err(), "{role:?}");
        }
        assert!(somebody(Some(Role::Owner)).may(archive()).is_ok());
        let mut admin = somebody(None);
        admin.tenant_role = TenantRole::Admin;
        assert!(admin.may(restore()).is_ok());
        assert!(admin.may(RenameOrganization { organization: ORG, name: "Ops".into() }).is_ok());
    }

    #[test]
    fn d_03_people_leave_for_themselves_and_no_key_leaves_for_them() {
        let leave = |person| LeaveOrganization { organization: ORG, person, successor: None };
        assert!(somebody(Some(Role::Viewer)).may(leave(SELF)).is_ok());
        let mut admin = somebody(None);
        admin.tenant_role = TenantRole::Admin;
        assert!(admin.may(leave(PersonId(Uuid::nil()))).is_err(), "an admin removes others");
        let mut key = somebody(Some(Role::Owner));
        key.scopes = Some("tasks:*".parse().unwrap());
        assert!(key.may(leave(SELF)).is_err());
    }
}

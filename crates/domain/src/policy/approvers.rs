//! Actions on the rules for approvers: holds and the approval settings of a tenant (D-04).
use super::{Action, DenialReason, require, require_admin, require_manager};
use crate::{Actor, ConfirmationId, OrganizationId, PersonId, role::Role};
use serde_json::{Value, json};

/// Requires an admin, or an owner of the organization whose membership changes.
fn require_confirmer(actor: &Actor, organization: Option<OrganizationId>) -> Result<(), DenialReason> {
    match organization {
        Some(organization) => require_manager(actor, organization),
        None => require_admin(actor),
    }
}

impl Actor {
    /// Returns whether the actor is an admin or owns an organization.
    pub fn manages_anything(&self) -> bool {
        self.is_admin() || self.roles.values().any(|role| *role == Role::Owner)
    }
}

actions! {
    /// Ends the holds on an account that follow changes by one person. Neither of the two can do it.
    LiftHold = "hold.lift" on "person" (|a| a.person.to_string()) {
        /// The account on hold.
        person: PersonId,
        /// The person who made that change.
        maker: PersonId,
    } if |a, actor| {
        require_admin(actor)?;
        let is_involved = actor.person() == Some(a.person) || actor.person() == Some(a.maker);
        require(!is_involved, DenialReason::InvolvedInHold)
    }, detail |a| json!({ "maker": a.maker }), step_up true;

    /// Confirms a change that another admin or owner requested. Neither they nor the person concerned can do it. An owner confirms only
    /// memberships of their own organization.
    ConfirmChange = "confirmation.confirm" on "confirmation" (|a| a.request.to_string()) {
        request: ConfirmationId,
        requester: PersonId,
        /// The person whom the change concerns.
        person: Option<PersonId>,
        /// The organization whose membership changes.
        organization: Option<OrganizationId>,
    } if |a, actor| {
        require_confirmer(actor, a.organization)?;
        let own = actor.person().is_some_and(|person| person == a.requester || Some(person) == a.person);
        require(!own, DenialReason::OwnConfirmation)
    }, detail |a| json!({ "requester": a.requester }), step_up true;

    /// Declines a change that waits for confirmation, or withdraws one's own request.
    DeclineChange = "confirmation.decline" on "confirmation" (|a| a.request.to_string()) {
        request: ConfirmationId,
        requester: PersonId,
        /// The organization whose membership changes.
        organization: Option<OrganizationId>,
    } if |a, actor| {
        let own = actor.person() == Some(a.requester);
        if own { Ok(()) } else { require_confirmer(actor, a.organization) }
    }, detail |a| json!({ "requester": a.requester }), while_frozen true;

    /// Sets whether a second admin or owner confirms new approvers and access to their accounts.
    SetDualControl = "tenant.dual_control" on "tenant" (|_| String::new()) {
        enabled: bool,
    } if |_, actor| require_admin(actor), detail |a| json!({ "enabled": a.enabled }), step_up true;

    /// Sets whether approvers can decide their own requests.
    SetSelfApproval = "tenant.self_approval" on "tenant" (|_| String::new()) {
        allowed: bool,
    } if |_, actor| require_admin(actor), detail |a| json!({ "allowed": a.allowed }), step_up true;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Principal, TenantId, Timestamp, role::TenantRole};
    use uuid::Uuid;

    fn admin(id: u128) -> Actor {
        let mut actor = Actor::clock(TenantId(Uuid::nil()), Timestamp(0));
        (actor.principal, actor.tenant_role) = (Principal::Person(PersonId(Uuid::from_u128(id))), TenantRole::Admin);
        actor
    }

    #[test]
    fn d_04_a_change_is_confirmed_by_an_admin_or_owner_who_is_not_involved() {
        let id = |number| PersonId(Uuid::from_u128(number));
        let (request, theirs) = (ConfirmationId(Uuid::nil()), crate::OrganizationId(Uuid::nil()));
        let confirm_in = |organization| ConfirmChange { request, requester: id(1), person: Some(id(2)), organization };
        let confirm = || confirm_in(Some(theirs));
        for involved in [1, 2] {
            assert!(admin(involved).may(confirm()).is_err_and(|denied| denied.reason == DenialReason::OwnConfirmation));
        }
        assert!(admin(3).may(confirm()).is_ok());
        let member = Actor { tenant_role: TenantRole::Person, ..admin(3) };
        let mut owner = member.clone();
        assert!(member.may(confirm()).is_err_and(|denied| denied.reason == DenialReason::ManagerOnly));
        owner.roles.insert(theirs, Role::Owner);
        assert!(owner.may(confirm()).is_ok());
        let of_others = crate::OrganizationId(Uuid::from_u128(1));
        assert!(owner.may(confirm_in(Some(of_others))).is_err_and(|denied| denied.reason == DenialReason::ManagerOnly));
        assert!(owner.may(confirm_in(None)).is_err_and(|denied| denied.reason == DenialReason::AdminOnly));
        let decline = || DeclineChange { request, requester: id(1), organization: Some(theirs) };
        assert!(admin(1).may(decline()).is_ok() && owner.may(decline()).is_ok());
        assert!(member.may(decline()).is_err());
        assert!(owner.may(SetDualControl { enabled: false }).is_err());
    }

    #[test]
    fn d_04_a_hold_is_lifted_by_an_admin_who_is_not_involved() {
        let lift = || LiftHold { person: PersonId(Uuid::from_u128(1)), maker: PersonId(Uuid::from_u128(2)) };
        for involved in [1, 2] {
            assert!(admin(involved).may(lift()).is_err_and(|denied| denied.reason == DenialReason::InvolvedInHold));
        }
        assert!(admin(3).may(lift()).is_ok());
        let member = Actor { tenant_role: TenantRole::Person, ..admin(3) };
        assert!(member.may(lift()).is_err_and(|denied| denied.reason == DenialReason::AdminOnly));
        assert!(member.may(SetSelfApproval { allowed: true }).is_err());
    }
}

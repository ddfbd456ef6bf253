//! Actions on the rules for approvers: holds and the approval settings of a tenant (D-04).
use super::{Action, DenialReason, require, require_admin};
use crate::{Actor, PersonId};
use serde_json::{Value, json};

actions! {
    /// Ends the holds on an account that follow changes by one person. Neither of the two can do it.
    LiftHold = "hold.lift" on "person" (|a| a.person.to_string()) {
        /// The account on hold.
        person: PersonId,
        /// The person whose requests it does not decide.
        maker: PersonId,
    } if |a, actor| {
        require_admin(actor)?;
        let is_involved = actor.person() == Some(a.person) || actor.person() == Some(a.maker);
        require(!is_involved, DenialReason::InvolvedInHold)
    }, detail |a| json!({ "maker": a.maker }), step_up true;

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

//! Membership actions of invitations and join requests.
use super::{Action, DenialReason, require, require_manager};
use crate::{Actor, Email, InvitationId, JoinRequestId, OrganizationId, PersonId, Principal, SignedInBy, role::Role};
use serde_json::{Value, json};

/// Requires the person themselves in a browser.
fn require_self(actor: &Actor, person: PersonId) -> Result<(), DenialReason> {
    require(actor.principal == Principal::Person(person), DenialReason::OwnMembershipOnly)
}

fn require_invitation(actor: &Actor) -> Result<(), DenialReason> {
    let is_allowed = actor.principal == Principal::Clock && actor.by == SignedInBy::Link;
    require(is_allowed, DenialReason::InvitationOnly)
}

actions! {
    /// Creates an invitation link. A manager of an organization may grant any role in it.
    Invite = "invitation.create" on "organization" (|a| a.organization.to_string()) {
        invitation: InvitationId,
        organization: OrganizationId,
        role: Role,
        /// The only address that can use it; `None` for anyone with the link.
        email: Option<Email>,
        /// The maximum number of people.
        uses: u32,
        /// Validity in days.
        days: u32,
    } if |a, actor| {
        require(actor.person().is_some(), DenialReason::InviterNotAPerson)?;
        require_manager(actor, a.organization)
    }, detail |a| json!({ "invitation": a.invitation, "role": a.role, "uses": a.uses, "days": a.days, "bound": a.email.is_some() }),
      personal |a| json!({ "email": a.email }), step_up true;

    RevokeInvitation = "invitation.revoke" on "organization" (|a| a.organization.to_string()) {
        invitation: InvitationId,
        organization: OrganizationId,
    } if |a, actor| require_manager(actor, a.organization), detail |a| json!({ "invitation": a.invitation }), while_frozen true;

    /// Replaces the link of an invitation to one address, and mails it again.
    ResendInvitation = "invitation.resend" on "organization" (|a| a.organization.to_string()) {
        invitation: InvitationId,
        organization: OrganizationId,
    } if |a, actor| {
        require(actor.person().is_some(), DenialReason::InviterNotAPerson)?;
        require_manager(actor, a.organization)
    }, detail |a| json!({ "invitation": a.invitation }), step_up true;

    /// Accepts an invitation with an existing account.
    AcceptInvitation = "invitation.accept" on "organization" (|a| a.organization.to_string()) {
        invitation: InvitationId,
        organization: OrganizationId,
        /// The actor.
        person: PersonId,
    } if |a, actor| require_self(actor, a.person), detail |a| json!({ "invitation": a.invitation });

    /// Creates an account for the holder of an invitation, and adds it to the organization.
    AdmitInvitee = "invitation.admit" on "organization" (|a| a.organization.to_string()) {
        invitation: InvitationId,
        organization: OrganizationId,
        email: Email,
        name: String,
    } if |_, actor| require_invitation(actor),
      detail |a| json!({ "invitation": a.invitation }),
      personal |a| json!({ "email": a.email, "name": a.name });

    /// Sends a confirmation link to an address, so that the holder of an invitation proves that the address is theirs.
    ConfirmInvitee = "invitation.confirm" on "organization" (|a| a.organization.to_string()) {
        invitation: InvitationId,
        organization: OrganizationId,
        email: Email,
    } if |_, actor| require_invitation(actor),
      detail |a| json!({ "invitation": a.invitation }),
      personal |a| json!({ "email": a.email });

    /// Requests membership of an organization.
    RequestMembership = "join_request.create" on "organization" (|a| a.organization.to_string()) {
        organization: OrganizationId,
        /// The actor.
        person: PersonId,
        reason: String,
    } if |a, actor| require_self(actor, a.person), detail |a| json!({ "reason": a.reason });

    /// Withdraws the actor's own join request.
    WithdrawJoinRequest = "join_request.withdraw" on "join_request" (|a| a.request.to_string()) {
        request: JoinRequestId,
        /// The actor.
        person: PersonId,
    } if |a, actor| require_self(actor, a.person), while_frozen true;

    AcceptJoinRequest = "join_request.accept" on "organization" (|a| a.organization.to_string()) {
        request: JoinRequestId,
        organization: OrganizationId,
        role: Role,
    } if |a, actor| require_manager(actor, a.organization),
      detail |a| json!({ "request": a.request, "role": a.role }), step_up true;

    DeclineJoinRequest = "join_request.decline" on "organization" (|a| a.organization.to_string()) {
        request: JoinRequestId,
        organization: OrganizationId,
        reason: String,
    } if |a, actor| require_manager(actor, a.organization),
      detail |a| json!({ "request": a.request, "reason": a.reason }), while_frozen true;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TenantId, Timestamp};
    use uuid::Uuid;

    const ORG: OrganizationId = OrganizationId(Uuid::from_u128(9));
    const SELF: PersonId = PersonId(Uuid::from_u128(1));
    const INVITATION: InvitationId = InvitationId(Uuid::from_u128(2));

    fn somebody(role: Option<Role>) -> Actor {
        let mut actor = Actor::clock(TenantId(Uuid::nil()), Timestamp(0));
        (actor.principal, actor.by) = (Principal::Person(SELF), SignedInBy::Password);
        actor.roles.extend(role.map(|role| (ORG, role)));
        actor
    }

    fn invite() -> Invite {
        Invite { invitation: INVITATION, organization: ORG, role: Role::Viewer, email: None, uses: 1, days: 7 }
    }

    #[test]
    fn d_03_only_managers_of_an_organization_invite_people() {
        for role in [None, Some(Role::Viewer), Some(Role::Member), Some(Role::Approver)] {
            assert!(somebody(role).may(invite()).is_err(), "{role:?}");
        }
        assert!(somebody(Some(Role::Owner)).may(invite()).is_ok());
        assert!(Actor::console(TenantId(Uuid::nil()), Timestamp(0)).may(invite()).is_err(), "an inviter is a person");
    }

    #[test]
    fn d_03_only_an_invitation_admits_its_holder() {
        let admit = || AdmitInvitee {
            invitation: INVITATION,
            organization: ORG,
            email: Email::parse("nia@acme.example").unwrap(),
            name: "Nia".into(),
        };
        assert!(Actor::invitation(TenantId(Uuid::nil()), Timestamp(0)).may(admit()).is_ok());
        assert!(somebody(Some(Role::Owner)).may(admit()).is_err());
        assert!(Actor::clock(TenantId(Uuid::nil()), Timestamp(0)).may(admit()).is_err());
        assert!(Actor::provider(TenantId(Uuid::nil()), "ID", Timestamp(0)).may(admit()).is_err());
    }

    #[test]
    fn d_03_people_request_to_join_for_themselves_and_owners_decide() {
        let ask = |person| RequestMembership { organization: ORG, person, reason: String::new() };
        assert!(somebody(None).may(ask(SELF)).is_ok());
        assert!(somebody(None).may(ask(PersonId(Uuid::nil()))).is_err());
        let accept =
            || AcceptJoinRequest { request: JoinRequestId(Uuid::nil()), organization: ORG, role: Role::Member };
        assert!(somebody(Some(Role::Approver)).may(accept()).is_err());
        assert!(somebody(Some(Role::Owner)).may(accept()).is_ok());
    }
}

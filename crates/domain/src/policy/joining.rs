//! How people come into an organization other than by being put there: by an invitation, or because they asked.
use super::{Action, require_manager, require};
use crate::{Actor, Email, InvitationId, JoinRequestId, OrganizationId, PersonId, Principal, SignedInBy, role::Role};
use serde_json::{Value, json};

/// What people do about themselves.
fn oneself(actor: &Actor, person: PersonId) -> Result<(), &'static str> {
    require(actor.principal == Principal::Person(person), "Only people themselves do this, in a browser.")
}

/// Whoever holds an invitation, as far as it decides.
fn by_invitation(actor: &Actor) -> Result<(), &'static str> {
    let is = actor.principal == Principal::Clock && actor.by == SignedInBy::Link;
    require(is, "Only an invitation does this.")
}

actions! {
    /// Makes a link that puts whoever has it into an organization. Who manages an organization may give every role in it.
    Invite = "invitation.create" on "organization" (|a| a.organization.to_string()) {
        /// Its id.
        invitation: InvitationId,
        /// Where.
        organization: OrganizationId,
        /// As what.
        role: Role,
        /// The one address that it is for.
        email: Option<Email>,
        /// How many people may use it.
        uses: u32,
        /// For how many days it works.
        days: u32,
    } if |a, actor| {
        require(actor.person().is_some(), "Invitations are made by people.")?;
        require_manager(actor, a.organization)
    }, detail |a| json!({ "invitation": a.invitation, "role": a.role, "uses": a.uses, "days": a.days, "bound": a.email.is_some() }),
      personal |a| json!({ "email": a.email }), step_up true;

    /// Ends an invitation before its time.
    RevokeInvitation = "invitation.revoke" on "organization" (|a| a.organization.to_string()) {
        /// Which.
        invitation: InvitationId,
        /// Where to.
        organization: OrganizationId,
    } if |a, actor| require_manager(actor, a.organization), detail |a| json!({ "invitation": a.invitation }), while_frozen true;

    /// Follows an invitation with one's own account.
    AcceptInvitation = "invitation.accept" on "organization" (|a| a.organization.to_string()) {
        /// Which.
        invitation: InvitationId,
        /// Where to.
        organization: OrganizationId,
        /// Oneself.
        person: PersonId,
    } if |a, actor| oneself(actor, a.person), detail |a| json!({ "invitation": a.invitation });

    /// Makes an account for somebody whom an invitation brings, and puts them into the organization.
    AdmitInvited = "invitation.admit" on "organization" (|a| a.organization.to_string()) {
        /// Which.
        invitation: InvitationId,
        /// Where to.
        organization: OrganizationId,
        /// Their address.
        email: Email,
        /// What people call them.
        name: String,
    } if |_, actor| by_invitation(actor),
      detail |a| json!({ "invitation": a.invitation }),
      personal |a| json!({ "email": a.email, "name": a.name });

    /// Sends an invitation on to an address, so that its reader shows that it is theirs.
    ConfirmInvited = "invitation.confirm" on "organization" (|a| a.organization.to_string()) {
        /// Which.
        invitation: InvitationId,
        /// Where to.
        organization: OrganizationId,
        /// The address.
        email: Email,
    } if |_, actor| by_invitation(actor),
      detail |a| json!({ "invitation": a.invitation }),
      personal |a| json!({ "email": a.email });

    /// Asks the owners of an organization to be let in.
    AskToJoin = "join_request.create" on "organization" (|a| a.organization.to_string()) {
        /// Where to.
        organization: OrganizationId,
        /// Oneself.
        person: PersonId,
        /// Why, in one's own words.
        reason: String,
    } if |a, actor| oneself(actor, a.person), detail |a| json!({ "reason": a.reason });

    /// Takes back what one asked.
    WithdrawJoinRequest = "join_request.withdraw" on "join_request" (|a| a.request.to_string()) {
        /// Which.
        request: JoinRequestId,
        /// Oneself.
        person: PersonId,
    } if |a, actor| oneself(actor, a.person), while_frozen true;

    /// Lets somebody in who asked.
    AcceptJoinRequest = "join_request.accept" on "organization" (|a| a.organization.to_string()) {
        /// Which.
        request: JoinRequestId,
        /// Where to.
        organization: OrganizationId,
        /// As what.
        role: Role,
    } if |a, actor| require_manager(actor, a.organization),
      detail |a| json!({ "request": a.request, "role": a.role }), step_up true;

    /// Says no to somebody who asked.
    DeclineJoinRequest = "join_request.decline" on "organization" (|a| a.organization.to_string()) {
        /// Which.
        request: JoinRequestId,
        /// Where to.
        organization: OrganizationId,
        /// Why.
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
    fn d_03_who_does_not_manage_an_organization_invites_nobody_to_it() {
        for role in [None, Some(Role::Viewer), Some(Role::Member), Some(Role::Approver)] {
            assert!(somebody(role).may(invite()).is_err(), "{role:?}");
        }
        assert!(somebody(Some(Role::Owner)).may(invite()).is_ok());
        assert!(Actor::console(TenantId(Uuid::nil()), Timestamp(0)).may(invite()).is_err(), "an inviter is a person");
    }

    #[test]
    fn d_03_nobody_but_an_invitation_admits_newcomers() {
        let admit = || AdmitInvited {
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
    fn d_03_people_ask_for_themselves_and_owners_answer() {
        let ask = |person| AskToJoin { organization: ORG, person, reason: String::new() };
        assert!(somebody(None).may(ask(SELF)).is_ok());
        assert!(somebody(None).may(ask(PersonId(Uuid::nil()))).is_err());
        let accept =
            || AcceptJoinRequest { request: JoinRequestId(Uuid::nil()), organization: ORG, role: Role::Member };
        assert!(somebody(Some(Role::Approver)).may(accept()).is_err());
        assert!(somebody(Some(Role::Owner)).may(accept()).is_ok());
    }
}

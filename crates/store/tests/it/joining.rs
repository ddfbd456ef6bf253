//! Invitations and join requests (D-03).
use crate::world::{TenantFixture, World, email, hash, on_both, person};
use domain::{
    Actor, Email, InvitationId, JoinRequestId, OrganizationId, PersonId,
    account::AccountNotice,
    joining::JoinState,
    policy::{
        AcceptInvitation, AcceptJoinRequest, AdmitInvitee, ArchiveOrganization, ConfirmInvitee, DeclineJoinRequest,
        Invite, LockPerson, RequestMembership, RevokeInvitation, SetAcceptsJoinRequests, SetMembership,
        WithdrawJoinRequest,
    },
    role::Role,
};
use futures::join;
use std::time::Duration;
use store::{Error, InvitationOffer, Mail, NewInvitation, Result};

fn id(actor: &Actor) -> PersonId {
    actor.person().unwrap()
}

fn link(token: &str) -> NewInvitation {
    NewInvitation { token: token.into(), token_hash: hash(token) }
}

async fn invite(
    world: &World,
    by: &Actor,
    to: OrganizationId,
    email: Option<Email>,
    uses: u32,
    token: &str,
) -> Result<InvitationId> {
    let invitation = InvitationId(store::new_id());
    let invite = Invite { invitation, organization: to, role: Role::Member, email, uses, days: 7 };
    world.change(by, async |write| write.invite(by.may(invite)?, link(token)).await).await.map(|_| invitation)
}

async fn offer(world: &World, token: &str) -> Option<InvitationOffer> {
    world.store.system().invitation(hash(token)).await.unwrap()
}

async fn accept(world: &World, who: &Actor, offer: &InvitationOffer, token: &str) -> Result<()> {
    let accept = AcceptInvitation { invitation: offer.id, organization: offer.organization_id, person: id(who) };
    world.change(who, async |write| write.accept_invitation(who.may(accept)?, hash(token)).await).await
}

async fn admit(
    world: &World,
    fixture: &TenantFixture,
    offer: &InvitationOffer,
    token: &str,
    email: Email,
) -> Result<PersonId> {
    let nobody = Actor::invitation(fixture.tenant, world.now());
    let admit = AdmitInvitee { invitation: offer.id, organization: offer.organization_id, email, name: "Nia".into() };
    world.change(&nobody, async |w| w.admit_invitee(nobody.may(admit)?, hash(token), "$argon2id$").await).await
}

async fn open(world: &World, organization: OrganizationId, open: bool) {
    let olga = &world.acme.olga;
    let action = olga.may(SetAcceptsJoinRequests { organization, open }).unwrap();
    world.change(olga, async |write| write.set_accepts_join_requests(action).await).await.unwrap();
}

async fn ask(world: &World, who: &Actor, organization: OrganizationId) -> Result<JoinRequestId> {
    let ask = RequestMembership { organization, person: id(who), reason: "I run the backups".into() };
    world.change(who, async |write| write.request_membership(who.may(ask)?).await).await
}

on_both! {
    async fn d_03_an_invitation_is_accepted_once_for_each_use(world) {
        let acme = &world.acme;
        invite(world, &acme.olga, acme.lab, None, 2, "t").await.unwrap();
        let found = offer(world, "t").await.unwrap();
        assert_eq!((found.organization.as_str(), found.role, found.inviter.as_str()), ("acme lab", Role::Member, "olga of acme"));
        let listed = world.store.read(&acme.olga).await.unwrap().invitations(acme.lab, world.now()).await.unwrap();
        assert_eq!((listed[0].uses, listed[0].used), (2, 0));
        accept(world, &acme.mia, &found, "t").await.unwrap();
        assert_eq!(world.again(&acme.mia).await.role_in(acme.lab), Some(Role::Member));
        assert!(matches!(accept(world, &acme.mia, &found, "t").await, Err(Error::Conflict(_))), "she is in it");
        assert!(matches!(accept(world, &acme.olga, &found, "t").await, Err(Error::Conflict(_))), "it changes no role");
        assert!(matches!(accept(world, &acme.sam, &found, "another").await, Err(Error::NotFound)));
        accept(world, &acme.sam, &found, "t").await.unwrap();
        assert!(offer(world, "t").await.is_none(), "used up");
        assert!(matches!(accept(world, &acme.ada, &found, "t").await, Err(Error::NotFound)));
    }

    async fn d_03_only_one_of_two_concurrent_invitees_takes_the_last_use(world) {
        let acme = &world.acme;
        for round in 0..10 {
            let token = format!("t{round}");
            invite(world, &acme.olga, acme.lab, None, 1, &token).await.unwrap();
            let found = offer(world, &token).await.unwrap();
            let both = join!(accept(world, &acme.sam, &found, &token), accept(world, &acme.mia, &found, &token));
            assert!(both.0.is_ok() != both.1.is_ok(), "round {round}: {both:?}");
            for who in [&acme.sam, &acme.mia] {
                let remove = domain::policy::RemoveMembership { organization: acme.lab, person: id(who), successor: None };
                let _ = world.change(&acme.olga, async |write| write.remove_membership(acme.olga.may(remove)?).await).await;
            }
        }
    }

    async fn d_03_an_invalid_invitation_is_not_found(world) {
        let acme = &world.acme;
        let revoked = invite(world, &acme.olga, acme.ops, None, 1, "revoked").await.unwrap();
        let found = offer(world, "revoked").await.unwrap();
        let revoke = |organization| RevokeInvitation { invitation: revoked, organization };
        let elsewhere = world.change(&acme.olga, async |write| write.revoke_invitation(acme.olga.may(revoke(acme.lab))?).await).await;
        assert!(matches!(elsewhere, Err(Error::NotFound)), "it is not of that organization");
        world.change(&acme.olga, async |write| write.revoke_invitation(acme.olga.may(revoke(acme.ops))?).await).await.unwrap();
        assert!(offer(world, "revoked").await.is_none());
        assert!(matches!(accept(world, &acme.sam, &found, "revoked").await, Err(Error::NotFound)));

        invite(world, &acme.olga, acme.ops, None, 1, "old").await.unwrap();
        let old = offer(world, "old").await.unwrap();
        world.wait(Duration::from_hours(7 * 24 + 1));
        assert!(offer(world, "old").await.is_none(), "expired");
        assert!(matches!(accept(world, &acme.sam, &old, "old").await, Err(Error::NotFound)));

        invite(world, &acme.olga, acme.lab, None, 1, "archived").await.unwrap();
        let archive = || ArchiveOrganization { organization: acme.lab };
        world.change(&acme.olga, async |write| write.archive_organization(acme.olga.may(archive())?).await).await.unwrap();
        assert!(offer(world, "archived").await.is_none());
        assert!(matches!(invite(world, &acme.olga, acme.lab, None, 1, "new").await, Err(Error::Conflict(_))));
    }

    /// Checked at use: an invitation is invalid if its inviter may no longer invite.
    async fn d_03_an_invitation_ends_when_the_inviter_loses_the_right(world) {
        let acme = &world.acme;
        let set = async |role| {
            let set = SetMembership { organization: acme.ops, person: id(&acme.ada), role };
            world.change(&acme.adam, async |write| write.set_membership(acme.adam.may(set)?).await).await.unwrap();
        };
        set(Role::Owner).await;
        let ada = world.again(&acme.ada).await;
        invite(world, &ada, acme.ops, None, 5, "t").await.unwrap();
        let found = offer(world, "t").await.unwrap();
        set(Role::Approver).await;
        assert!(offer(world, "t").await.is_none());
        assert!(matches!(accept(world, &acme.sam, &found, "t").await, Err(Error::NotFound)));
        assert!(world.store.read(&acme.olga).await.unwrap().invitations(acme.ops, world.now()).await.unwrap().is_empty());
        set(Role::Owner).await;
        let lock = acme.adam.may(LockPerson { person: id(&ada) }).unwrap();
        world.change(&acme.adam, async |write| write.lock_person(lock).await).await.unwrap();
        assert!(offer(world, "t").await.is_none(), "nor who is locked out");
        assert!(matches!(invite(world, &acme.mia, acme.ops, None, 1, "u").await, Err(Error::Denied(_))));
    }

    async fn d_03_an_invitation_for_an_address_rejects_other_addresses(world) {
        let (acme, bolt) = (&world.acme, &world.bolt);
        invite(world, &acme.olga, acme.lab, Some(email("sam", "acme")), 9, "t").await.unwrap();
        let found = offer(world, "t").await.unwrap();
        assert!(matches!(accept(world, &acme.mia, &found, "t").await, Err(Error::Conflict(_))));
        assert!(matches!(accept(world, &bolt.sam, &found, "t").await, Err(Error::NotFound)), "nor in another tenant");
        assert!(matches!(admit(world, acme, &found, "t", email("nia", "acme")).await, Err(Error::NotFound)));
        accept(world, &acme.sam, &found, "t").await.unwrap();
        assert!(offer(world, "t").await.is_none(), "and for one person");
    }

    async fn d_03_a_new_member_gets_a_new_account_and_never_an_existing_one(world) {
        let (acme, bolt) = (&world.acme, &world.bolt);
        invite(world, &acme.olga, acme.ops, None, 5, "t").await.unwrap();
        let found = offer(world, "t").await.unwrap();
        let made = admit(world, acme, &found, "t", email("mia", "acme")).await;
        assert!(matches!(made, Err(Error::Conflict(_))), "{made:?}");
        assert_eq!(offer(world, "t").await.map(|_| ()), Some(()), "what failed used nothing up");
        let nia = admit(world, acme, &found, "t", email("nia", "acme")).await.unwrap();
        let nia = person(&world.store, acme.tenant, nia).await;
        assert_eq!((nia.role_in(acme.ops), nia.is_admin()), (Some(Role::Member), false));
        admit(world, acme, &found, "t", email("mia", "bolt")).await.expect("the account of another tenant is not in the way");
        assert!(matches!(admit(world, bolt, &found, "t", email("eve", "bolt")).await, Err(Error::NotFound)), "not in another tenant");
    }

    /// If mail is enabled, an address is confirmed before the account exists: only a link mailed to it creates one.
    async fn d_03_an_address_is_confirmed_where_mail_is_sent(world) {
        let acme = &world.acme;
        world.store.enable_mail();
        invite(world, &acme.olga, acme.ops, None, 1, "t").await.unwrap();
        let found = offer(world, "t").await.unwrap();
        let nia = email("nia", "acme");
        assert!(matches!(admit(world, acme, &found, "t", nia.clone()).await, Err(Error::Conflict(_))));
        let nobody = Actor::invitation(acme.tenant, world.now());
        let confirm = || ConfirmInvitee { invitation: found.id, organization: acme.ops, email: nia.clone() };
        let sent = async || world.change(&nobody, async |w| w.confirm_invitee(nobody.may(confirm())?, hash("t"), link("mailed")).await).await;
        sent().await.unwrap();
        assert!(matches!(sent().await, Err(Error::NotFound)), "one use is one mail");
        let mail = world.store.system().take_mail().await.unwrap().unwrap();
        assert_eq!(mail.to, nia);
        assert!(matches!(mail.mail, Mail::Invitation { token, organization, .. } if token == "mailed" && organization == "acme ops"));
        let found = offer(world, "mailed").await.unwrap();
        assert!(found.mailed && found.email == Some(nia.clone()));
        assert!(matches!(admit(world, acme, &found, "mailed", email("eve", "acme")).await, Err(Error::NotFound)));
        admit(world, acme, &found, "mailed", nia).await.unwrap();
        assert!(offer(world, "mailed").await.is_none());
    }

    /// A person who is about to confirm an address cannot join after the open invitation is revoked.
    async fn d_03_revoking_an_invitation_deletes_its_confirmations(world) {
        let acme = &world.acme;
        world.store.enable_mail();
        let nobody = Actor::invitation(acme.tenant, world.now());
        let confirm = async |found: &InvitationOffer, token: &str, who: &str| {
            let confirm = ConfirmInvitee { invitation: found.id, organization: acme.ops, email: email(who, "acme") };
            world.change(&nobody, async |w| w.confirm_invitee(nobody.may(confirm)?, hash(token), link(who)).await).await.unwrap();
        };
        let open = invite(world, &acme.olga, acme.ops, None, 5, "open").await.unwrap();
        invite(world, &acme.olga, acme.ops, None, 5, "other").await.unwrap();
        confirm(&offer(world, "open").await.unwrap(), "open", "nia").await;
        confirm(&offer(world, "other").await.unwrap(), "other", "noa").await;
        let nia = offer(world, "nia").await.unwrap();
        let revoke = RevokeInvitation { invitation: open, organization: acme.ops };
        world.change(&acme.olga, async |write| write.revoke_invitation(acme.olga.may(revoke)?).await).await.unwrap();
        assert!(offer(world, "nia").await.is_none());
        assert!(matches!(admit(world, acme, &nia, "nia", email("nia", "acme")).await, Err(Error::NotFound)));
        let noa = offer(world, "noa").await.unwrap();
        admit(world, acme, &noa, "noa", email("noa", "acme")).await.unwrap();

        // A used-up invitation was not revoked: the person who used it may finish.
        invite(world, &acme.olga, acme.ops, None, 1, "last").await.unwrap();
        confirm(&offer(world, "last").await.unwrap(), "last", "nea").await;
        assert!(offer(world, "last").await.is_none());
        let nea = offer(world, "nea").await.unwrap();
        admit(world, acme, &nea, "nea", email("nea", "acme")).await.unwrap();
    }

    async fn d_03_an_expired_invitation_is_deleted_when_it_is_due(world) {
        let acme = &world.acme;
        let nobody_else = world.store.system().next_due().await.unwrap();
        assert_eq!(nobody_else, None);
        invite(world, &acme.olga, acme.ops, None, 1, "t").await.unwrap();
        let week = Duration::from_hours(7 * 24);
        assert_eq!(world.store.system().next_due().await.unwrap(), Some(world.now().after(week)));
        world.wait(week - Duration::from_micros(1));
        world.store.system().run_due_work().await.unwrap();
        assert!(offer(world, "t").await.is_some());
        world.wait(Duration::from_micros(1));
        world.store.system().run_due_work().await.unwrap();
        assert_eq!(world.store.system().next_due().await.unwrap(), None, "nothing is left of it");
    }

    /// Acceptance and archiving at the same time are ordered and see each other: nobody joins afterwards.
    async fn d_03_nobody_joins_an_archived_organization(world) {
        let acme = &world.acme;
        let archive = || ArchiveOrganization { organization: acme.lab };
        let restore = || domain::policy::RestoreOrganization { organization: acme.lab };
        let newest = async |action: &str| {
            let filter = store::AuditFilter { action: Some(action.into()), ..Default::default() };
            let mut read = world.store.read(&acme.adam).await.unwrap();
            let proof = acme.adam.may(domain::policy::ReadAudit).unwrap();
            read.audit(&proof, filter, None, 1).await.unwrap().items[0].seq
        };
        for round in 0..10 {
            let token = format!("t{round}");
            invite(world, &acme.olga, acme.lab, None, 1, &token).await.unwrap();
            let found = offer(world, &token).await.unwrap();
            let archived = world.change(&acme.olga, async |w| w.archive_organization(acme.olga.may(archive())?).await);
            let (archived, accepted) = join!(archived, accept(world, &acme.sam, &found, &token));
            archived.unwrap();
            if accepted.is_ok() {
                assert!(newest("invitation.accept").await < newest("organization.archive").await, "round {round}");
                let remove = domain::policy::RemoveMembership { organization: acme.lab, person: id(&acme.sam), successor: None };
                world.change(&acme.olga, async |w| w.remove_membership(acme.olga.may(remove)?).await).await.unwrap();
            }
            world.change(&acme.olga, async |w| w.restore_organization(acme.olga.may(restore())?).await).await.unwrap();
        }
    }

    async fn d_03_people_ask_to_join_and_owners_decide(world) {
        let acme = &world.acme;
        let joinable = async |who: &Actor| world.store.read(who).await.unwrap().joinable_organizations().await.unwrap();
        assert!(joinable(&acme.sam).await.is_empty(), "closed unless an owner opens it");
        assert!(matches!(ask(world, &acme.sam, acme.ops).await, Err(Error::NotFound)));
        open(world, acme.ops, true).await;
        assert_eq!(joinable(&acme.sam).await[0].id, acme.ops);
        assert!(joinable(&acme.mia).await.is_empty() && joinable(&world.bolt.sam).await.is_empty());
        assert!(matches!(ask(world, &acme.mia, acme.ops).await, Err(Error::Conflict(_))), "she is in it");
        assert!(matches!(ask(world, &world.bolt.sam, acme.ops).await, Err(Error::NotFound)));

        let request = ask(world, &acme.sam, acme.ops).await.unwrap();
        assert!(matches!(ask(world, &acme.sam, acme.ops).await, Err(Error::Conflict(_))), "once");
        assert!(joinable(&acme.sam).await.is_empty());
        let mut read = world.store.read(&acme.olga).await.unwrap();
        let waiting = read.join_requests(acme.ops).await.unwrap();
        assert_eq!((waiting[0].id, waiting[0].reason.as_str()), (request, "I run the backups"));
        let for_me = read.join_requests_for_me().await.unwrap();
        assert_eq!((for_me[0].organization.as_str(), for_me[0].n), ("acme ops", 1));
        let notices = read.account_events(1).await.unwrap();
        assert_eq!((notices[0].happened, notices[0].detail.as_str()), (AccountNotice::JoinRequested, "sam of acme · acme ops"));
        drop(read);

        let decline = |reason: &str| DeclineJoinRequest { request, organization: acme.ops, reason: reason.into() };
        let silent = world.change(&acme.olga, async |w| w.decline_join_request(acme.olga.may(decline(" "))?).await).await;
        assert!(matches!(silent, Err(Error::Invalid(_))), "{silent:?}");
        let elsewhere = DeclineJoinRequest { organization: acme.lab, ..decline("no") };
        let elsewhere = world.change(&acme.olga, async |w| w.decline_join_request(acme.olga.may(elsewhere)?).await).await;
        assert!(matches!(elsewhere, Err(Error::NotFound)), "{elsewhere:?}");
        world.change(&acme.olga, async |w| w.decline_join_request(acme.olga.may(decline("We are full"))?).await).await.unwrap();
        let own = world.store.read(&acme.sam).await.unwrap().own_join_requests().await.unwrap();
        assert_eq!((own[0].state, own[0].answer.as_str()), (JoinState::Declined, "We are full"));
        let notices = world.store.read(&acme.sam).await.unwrap().account_events(1).await.unwrap();
        assert_eq!((notices[0].happened, notices[0].detail.as_str()), (AccountNotice::JoinDeclined, "acme ops · olga of acme"), "its owner's words are in no mail");
        let late = world.change(&acme.olga, async |w| w.decline_join_request(acme.olga.may(decline("no"))?).await).await;
        assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");

        let request = ask(world, &acme.sam, acme.ops).await.unwrap();
        let accept = || AcceptJoinRequest { request, organization: acme.ops, role: Role::Viewer };
        assert!(acme.ada.may(accept()).is_err());
        world.change(&acme.olga, async |w| w.accept_join_request(acme.olga.may(accept())?).await).await.unwrap();
        assert_eq!(world.again(&acme.sam).await.role_in(acme.ops), Some(Role::Viewer));
        let own = world.store.read(&acme.sam).await.unwrap().own_join_requests().await.unwrap();
        assert_eq!(own[0].state, JoinState::Accepted);
    }

    async fn d_03_a_join_request_is_withdrawn_by_its_requester_and_limited_per_day(world) {
        let acme = &world.acme;
        open(world, acme.ops, true).await;
        let withdraw = async |who: &Actor, request| {
            let withdraw = WithdrawJoinRequest { request, person: id(who) };
            world.change(who, async |write| write.withdraw_join_request(who.may(withdraw)?).await).await
        };
        for _ in 0..5 {
            let request = ask(world, &acme.sam, acme.ops).await.unwrap();
            assert!(matches!(withdraw(&acme.audrey, request).await, Err(Error::NotFound)), "it is not hers");
            withdraw(&acme.sam, request).await.unwrap();
            assert!(matches!(withdraw(&acme.sam, request).await, Err(Error::Conflict(_))));
        }
        assert!(matches!(ask(world, &acme.sam, acme.ops).await, Err(Error::Conflict(_))), "five times a day");
        world.wait(Duration::from_hours(25));
        ask(world, &acme.sam, acme.ops).await.unwrap();
        let put = SetMembership { organization: acme.ops, person: id(&acme.sam), role: Role::Member };
        world.change(&acme.olga, async |write| write.set_membership(acme.olga.may(put)?).await).await.unwrap();
        assert!(world.store.read(&acme.olga).await.unwrap().join_requests(acme.ops).await.unwrap().is_empty(), "a member has no open request");
        open(world, acme.ops, false).await;
        assert!(matches!(ask(world, &acme.audrey, acme.ops).await, Err(Error::NotFound)));
    }
}

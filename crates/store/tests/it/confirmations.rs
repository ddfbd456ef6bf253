//! Confirmation by a second admin or owner (D-04): nobody makes an approver, or gains access to the account of one, alone.
use crate::world::{World, email, hash, on_both};
use domain::{
    Actor, InvitationId, PersonId,
    account::AccountNotice,
    policy::{
        AcceptInvitation, AcceptJoinRequest, CreatePerson, DeclineChange, DenialReason, Invite, IssuePasswordLink,
        ReplaceAddress, RequestMembership, ResetFactors, SetAcceptsJoinRequests, SetMembership, SetSecondPerson,
        SetSelfApproval, SetTenantRole,
    },
    role::{Role, TenantRole},
};
use std::time::Duration;
use store::{Applied, Confirmation, Conflict, Error, MailedLink, NewInvitation, Result};

const WEEK: Duration = Duration::from_hours(7 * 24);

fn id(actor: &Actor) -> PersonId {
    actor.person().unwrap()
}

fn link() -> MailedLink<'static> {
    MailedLink { token: "", token_hash: hash("confirmed") }
}

async fn require(world: &World, by: &Actor, required: bool) -> Result<Applied> {
    let set = SetSecondPerson { required };
    world.change(by, async |write| write.set_second_person(by.may(set)?).await).await
}

async fn set_role(world: &World, by: &Actor, who: &Actor, role: Role) -> Result<Applied> {
    let set = SetMembership { organization: world.acme.ops, person: id(who), role };
    world.change(by, async |write| write.set_membership(by.may(set)?).await).await
}

async fn role(world: &World, who: &Actor) -> Option<Role> {
    world.again(who).await.role_in(world.acme.ops)
}

async fn waiting(world: &World, actor: &Actor) -> Vec<Confirmation> {
    world.store.read(actor).await.unwrap().confirmations().await.unwrap()
}

async fn confirm(world: &World, actor: &Actor, request: &Confirmation) -> Result<()> {
    let action = request.confirm_action();
    world.change(actor, async |write| write.confirm_change(actor.may(action)?, link()).await).await.map(drop)
}

async fn actions(world: &World) -> Vec<String> {
    let mut read = world.store.read(&world.acme.console).await.unwrap();
    let proof = world.acme.console.may(domain::policy::ReadAudit).unwrap();
    let rows = read.audit(&proof, store::AuditFilter::default(), None, 6).await.unwrap();
    rows.items.into_iter().map(|row| row.action).collect()
}

on_both! {
    async fn d_04_a_new_approver_waits_for_a_second_admin_or_owner(world) {
        let acme = &world.acme;
        require(world, &acme.adam, true).await.unwrap();
        assert_eq!(set_role(world, &acme.olga, &acme.mia, Role::Approver).await.unwrap(), Applied::AfterConfirmation);
        assert_eq!(role(world, &acme.mia).await, Some(Role::Member), "nothing changed");
        let request = waiting(world, &acme.adam).await.remove(0);
        assert_eq!((request.requester_id, request.person.as_deref()), (id(&acme.olga), Some("mia of acme")));
        assert_eq!(waiting(world, &acme.mia).await.len() + waiting(world, &world.bolt.adam).await.len(), 0);
        let mut read = world.store.read(&acme.adam).await.unwrap();
        assert_eq!(read.account_events(1).await.unwrap()[0].happened, AccountNotice::ConfirmationRequested);
        drop(read);
        let again = set_role(world, &acme.olga, &acme.mia, Role::Approver).await;
        assert!(matches!(again, Err(Error::Conflict(Conflict::ConfirmationExists))), "{again:?}");

        for (actor, reason) in [
            (&acme.olga, DenialReason::OwnConfirmation), (&acme.ada, DenialReason::ManagerOnly), (&acme.audrey, DenialReason::ManagerOnly),
        ] {
            assert_eq!(actor.may(request.confirm_action()).unwrap_err().reason, reason);
        }
        confirm(world, &acme.adam, &request).await.unwrap();
        assert_eq!(role(world, &acme.mia).await, Some(Role::Approver));
        assert_eq!(actions(world).await[..3], ["confirmation.confirm", "membership.set", "confirmation.request"]);
        // The hold is on requests of the person who requested it.
        let holds = world.store.read(&acme.adam).await.unwrap().holds().await.unwrap();
        assert_eq!(holds.iter().map(|hold| (hold.person_id, hold.maker_id)).collect::<Vec<_>>(), [(id(&acme.mia), id(&acme.olga))]);
        let twice = confirm(world, &acme.adam, &request).await;
        assert!(matches!(twice, Err(Error::Conflict(Conflict::ConfirmationSettled))), "{twice:?}");
        // Lower roles take effect at once.
        assert_eq!(set_role(world, &acme.olga, &acme.mia, Role::Member).await.unwrap(), Applied::Now);
    }

    async fn d_04_access_to_the_account_of_an_approver_waits_for_confirmation(world) {
        let acme = &world.acme;
        world.store.enable_mail();
        require(world, &acme.adam, true).await.unwrap();
        let (adam, person) = (&acme.adam, id(&acme.ada));
        for change in ["link", "factors", "address"] {
            let applied = world.change(adam, async |w| match change {
                "link" => w.issue_password_link(adam.may(IssuePasswordLink { person })?, hash("mine")).await,
                "factors" => w.reset_factors(adam.may(ResetFactors { person })?).await,
                _ => {
                    let replace = ReplaceAddress { person, email: email("other", "acme") };
                    w.replace_address(adam.may(replace)?, MailedLink { token: "", token_hash: hash("mine") }).await
                }
            });
            assert_eq!(applied.await.unwrap(), Applied::AfterConfirmation, "{change}");
            let used = world.change(adam, async |w| w.use_password_link(hash("mine")).await).await;
            assert!(matches!(used, Err(Error::NotFound)), "{change}: {used:?}");
            let request = waiting(world, &acme.olga).await.remove(0);
            assert!(adam.may(request.confirm_action()).is_err() && acme.ada.may(request.confirm_action()).is_err());
            confirm(world, &acme.olga, &request).await.unwrap();
            let holds = world.store.read(adam).await.unwrap().holds().await.unwrap();
            let makers: std::collections::BTreeSet<_> = holds.iter().map(|hold| hold.maker_id).collect();
            let expected = [id(adam), id(&acme.olga)];
            // The person who confirms a link sees it.
            assert_eq!(makers, expected.into_iter().collect(), "{change}");
        }
        // For others, it takes effect at once.
        let link = IssuePasswordLink { person: id(&acme.mia) };
        let applied = world.change(adam, async |w| w.issue_password_link(adam.may(link)?, hash("mia")).await).await;
        assert_eq!(applied.unwrap(), Applied::Now);
        let reset = ResetFactors { person };
        let console = &acme.console;
        let applied = world.change(console, async |w| w.reset_factors(console.may(reset)?).await).await;
        assert_eq!(applied.unwrap(), Applied::Now, "the console does it at once");
    }

    async fn d_04_a_confirmed_link_is_that_of_the_person_who_confirms(world) {
        let acme = &world.acme;
        require(world, &acme.adam, true).await.unwrap();
        let (adam, person) = (&acme.adam, id(&acme.ada));
        world.change(adam, async |w| w.issue_password_link(adam.may(IssuePasswordLink { person })?, hash("mine")).await).await.unwrap();
        confirm(world, &acme.olga, &waiting(world, &acme.olga).await[0]).await.unwrap();
        let used = world.change(adam, async |w| w.use_password_link(hash("confirmed")).await).await;
        assert_eq!(used.unwrap(), person);
    }

    async fn d_04_invitees_and_join_requests_get_an_approving_role_after_confirmation(world) {
        let acme = &world.acme;
        require(world, &acme.adam, true).await.unwrap();
        let (olga, organization, invitation) = (&acme.olga, acme.ops, InvitationId(store::new_id()));
        let invite = Invite { invitation, organization, role: Role::Approver, email: None, uses: 1, days: 7 };
        let new = NewInvitation { token: String::new(), token_hash: hash("i") };
        world.change(olga, async |w| w.invite(olga.may(invite)?, new).await).await.unwrap();
        let accept = AcceptInvitation { invitation, organization, person: id(&acme.sam) };
        world.change(&acme.sam, async |w| w.accept_invitation(acme.sam.may(accept)?, hash("i")).await).await.unwrap();
        let open = SetAcceptsJoinRequests { organization, open: true };
        world.change(olga, async |w| w.set_accepts_join_requests(olga.may(open)?).await).await.unwrap();
        let ask = RequestMembership { organization, person: id(&acme.audrey), reason: String::new() };
        let request = world.change(&acme.audrey, async |w| w.request_membership(acme.audrey.may(ask)?).await).await.unwrap();
        let accept = AcceptJoinRequest { request, organization, role: Role::Owner };
        world.change(olga, async |w| w.accept_join_request(olga.may(accept)?).await).await.unwrap();
        assert_eq!((role(world, &acme.sam).await, role(world, &acme.audrey).await), (Some(Role::Member), Some(Role::Member)));
        for request in waiting(world, &acme.adam).await {
            assert_eq!(request.requester_id, id(olga));
            confirm(world, &acme.adam, &request).await.unwrap();
        }
        assert_eq!((role(world, &acme.sam).await, role(world, &acme.audrey).await), (Some(Role::Approver), Some(Role::Owner)));
    }

    async fn d_04_a_new_admin_waits_for_confirmation(world) {
        let acme = &world.acme;
        require(world, &acme.adam, true).await.unwrap();
        let adam = &acme.adam;
        let new = CreatePerson { email: email("new", "acme"), name: "New".into(), tenant_role: TenantRole::Admin };
        let new = world.change(adam, async |w| w.create_person(adam.may(new)?).await).await.unwrap();
        let set = SetTenantRole { person: id(&acme.mia), tenant_role: TenantRole::Admin };
        world.change(adam, async |w| w.set_tenant_role(adam.may(set)?).await).await.unwrap();
        let tenant_role = async |person| crate::world::person(&world.store, acme.tenant, person).await.tenant_role;
        for person in [new, id(&acme.mia)] {
            assert_eq!(tenant_role(person).await, TenantRole::Person);
        }
        for request in waiting(world, &acme.olga).await {
            confirm(world, &acme.olga, &request).await.unwrap();
        }
        for person in [new, id(&acme.mia)] {
            assert_eq!(tenant_role(person).await, TenantRole::Admin);
        }
    }

    async fn d_04_weaker_settings_wait_for_confirmation(world) {
        let acme = &world.acme;
        require(world, &acme.adam, true).await.unwrap();
        let adam = &acme.adam;
        assert_eq!(require(world, adam, false).await.unwrap(), Applied::AfterConfirmation);
        let allow = async |allowed| world.change(adam, async |w| w.set_self_approval(adam.may(SetSelfApproval { allowed })?).await).await;
        assert_eq!(allow(true).await.unwrap(), Applied::AfterConfirmation);
        let policy = async || world.store.read(adam).await.unwrap().approval_policy().await.unwrap();
        assert!(policy().await.second_person && !policy().await.self_approval);
        for request in waiting(world, &acme.olga).await {
            confirm(world, &acme.olga, &request).await.unwrap();
        }
        assert!(!policy().await.second_person && policy().await.self_approval);
        // Stricter settings take effect at once.
        assert_eq!((allow(false).await.unwrap(), require(world, adam, true).await.unwrap()), (Applied::Now, Applied::Now));
    }

    async fn d_04_a_request_for_confirmation_is_declined_withdrawn_or_lapses(world) {
        let acme = &world.acme;
        require(world, &acme.adam, true).await.unwrap();
        for (by, action) in [(&acme.adam, "declined"), (&acme.olga, "withdrawn")] {
            set_role(world, &acme.olga, &acme.mia, Role::Approver).await.unwrap();
            let request = waiting(world, &acme.olga).await.remove(0);
            let decline = DeclineChange { request: request.id, requester: request.requester_id };
            world.change(by, async |w| w.decline_change(by.may(decline)?).await).await.unwrap();
            let late = confirm(world, &acme.adam, &request).await;
            assert!(matches!(late, Err(Error::Conflict(Conflict::ConfirmationSettled))), "{action}");
        }
        set_role(world, &acme.olga, &acme.mia, Role::Approver).await.unwrap();
        let request = waiting(world, &acme.adam).await.remove(0);
        assert_eq!((request.expires_at, world.store.system().next_due().await.unwrap()), (world.now().after(WEEK), Some(world.now().after(WEEK))));
        world.wait(WEEK);
        let late = confirm(world, &acme.adam, &request).await;
        assert!(matches!(late, Err(Error::Conflict(Conflict::ConfirmationSettled))), "{late:?}");
        assert_eq!(waiting(world, &acme.adam).await.len(), 0);
        world.store.system().run_due_work().await.unwrap();
        assert_eq!(actions(world).await[0], "confirmation.expire");
        assert_eq!(role(world, &acme.mia).await, Some(Role::Member));
        assert_eq!(set_role(world, &acme.olga, &acme.mia, Role::Approver).await.unwrap(), Applied::AfterConfirmation);
    }

    async fn d_04_a_requester_without_the_right_changes_nothing(world) {
        let acme = &world.acme;
        set_role(world, &acme.adam, &acme.abe, Role::Owner).await.unwrap();
        require(world, &acme.adam, true).await.unwrap();
        set_role(world, &acme.olga, &acme.mia, Role::Approver).await.unwrap();
        let request = waiting(world, &acme.adam).await.remove(0);
        set_role(world, &acme.adam, &acme.olga, Role::Member).await.unwrap();
        let refused = confirm(world, &acme.adam, &request).await;
        assert!(matches!(refused, Err(Error::Conflict(Conflict::RequesterLostRights))), "{refused:?}");
        assert_eq!(role(world, &acme.mia).await, Some(Role::Member));
    }

    async fn d_04_one_admin_alone_waits_for_nobody(world) {
        let acme = &world.acme;
        require(world, &acme.adam, true).await.unwrap();
        let lock = domain::policy::LockPerson { person: id(&acme.adam) };
        world.change(&acme.console, async |w| w.lock_person(acme.console.may(lock)?).await).await.unwrap();
        assert_eq!(set_role(world, &acme.olga, &acme.mia, Role::Approver).await.unwrap(), Applied::Now);
        assert_eq!(role(world, &acme.mia).await, Some(Role::Approver));
    }
}

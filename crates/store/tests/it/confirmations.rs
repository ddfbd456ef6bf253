//! Confirmation by a second admin or owner (D-04): nobody makes an approver, or gains access to the account of one, alone.
use crate::world::{World, email, hash, on_both};
use domain::{
    Actor, InvitationId, PersonId,
    account::AccountNotice,
    policy::{
        AcceptInvitation, AcceptJoinRequest, AdmitInvitee, CreatePerson, DenialReason, Invite, IssuePasswordLink,
        LockPerson, RemoveMembership, ReplaceAddress, RequestMembership, ResetFactors, SetAcceptsJoinRequests,
        SetDualControl, SetMembership, SetSelfApproval, SetTenantRole, UnlockPerson,
    },
    role::{Role, TenantRole},
};
use std::time::Duration;
use store::{Applied, Confirmation, Conflict, Error, MailedLink, NewInvitation, Result};

const DAY: Duration = Duration::from_hours(24);
const WEEK: Duration = Duration::from_hours(7 * 24);

fn id(actor: &Actor) -> PersonId {
    actor.person().unwrap()
}

fn link() -> MailedLink<'static> {
    MailedLink { token: "", token_hash: hash("confirmed") }
}

async fn require(world: &World, by: &Actor, required: bool) -> Result<Applied> {
    let set = SetDualControl { enabled: required };
    world.change(by, async |write| write.set_dual_control(by.may(set)?).await).await
}

async fn set_role(world: &World, by: &Actor, who: &Actor, role: Role) -> Result<Applied> {
    let set = SetMembership { organization: world.acme.ops, person: id(who), role };
    world.change(by, async |write| write.set_membership(by.may(set)?).await).await
}

/// Makes Abe an admin beside Adam, as the operator.
async fn second_admin(world: &World) -> Actor {
    let (console, abe) = (&world.acme.console, &world.acme.abe);
    let set = SetTenantRole { person: id(abe), tenant_role: TenantRole::Admin };
    world.change(console, async |write| write.set_tenant_role(console.may(set)?).await).await.unwrap();
    world.again(abe).await
}

async fn issue_link(world: &World, by: &Actor, person: PersonId, token: &str) -> Result<Applied> {
    let (link, token_hash) = (IssuePasswordLink { person }, hash(token));
    world.change(by, async |write| write.issue_password_link(by.may(link)?, token_hash).await).await
}

async fn set_tenant_role(world: &World, by: &Actor, who: &Actor, tenant_role: TenantRole) -> Result<Applied> {
    let set = SetTenantRole { person: id(who), tenant_role };
    world.change(by, async |write| write.set_tenant_role(by.may(set)?).await).await
}

async fn lock(world: &World, by: &Actor, who: &Actor) {
    let lock = LockPerson { person: id(who) };
    world.change(by, async |write| write.lock_person(by.may(lock)?).await).await.unwrap();
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

/// Returns the last audit event of an action.
async fn last_record(world: &World, action: &str) -> domain::audit::Record {
    let mut read = world.store.read(&world.acme.console).await.unwrap();
    let proof = world.acme.console.may(domain::policy::ReadAudit).unwrap();
    let filter = store::AuditFilter { action: Some(action.into()), ..Default::default() };
    let rows = read.audit(&proof, filter, None, 1).await.unwrap();
    serde_json::from_str(&rows.items[0].body).unwrap()
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
        let (adam, abe, person) = (&acme.adam, second_admin(world).await, id(&acme.ada));
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
            let request = waiting(world, &abe).await.remove(0);
            assert!(adam.may(request.confirm_action()).is_err() && acme.ada.may(request.confirm_action()).is_err());
            confirm(world, &abe, &request).await.unwrap();
            let holds = world.store.read(adam).await.unwrap().holds().await.unwrap();
            let makers: std::collections::BTreeSet<_> = holds.iter().map(|hold| hold.maker_id).collect();
            let expected = [id(adam), id(&abe)];
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
        let abe = second_admin(world).await;
        issue_link(world, adam, person, "mine").await.unwrap();
        confirm(world, &abe, &waiting(world, &abe).await[0]).await.unwrap();
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
        let (adam, abe) = (&acme.adam, second_admin(world).await);
        let new = CreatePerson { email: email("new", "acme"), name: "New".into(), tenant_role: TenantRole::Admin };
        let new = world.change(adam, async |w| w.create_person(adam.may(new)?).await).await.unwrap();
        let set = SetTenantRole { person: id(&acme.mia), tenant_role: TenantRole::Admin };
        world.change(adam, async |w| w.set_tenant_role(adam.may(set)?).await).await.unwrap();
        let tenant_role = async |person| crate::world::person(&world.store, acme.tenant, person).await.tenant_role;
        for person in [new, id(&acme.mia)] {
            assert_eq!(tenant_role(person).await, TenantRole::Person);
        }
        for request in waiting(world, &abe).await {
            confirm(world, &abe, &request).await.unwrap();
        }
        for person in [new, id(&acme.mia)] {
            assert_eq!(tenant_role(person).await, TenantRole::Admin);
        }
    }

    async fn d_04_weaker_settings_wait_for_confirmation(world) {
        let acme = &world.acme;
        require(world, &acme.adam, true).await.unwrap();
        let (adam, abe) = (&acme.adam, second_admin(world).await);
        assert_eq!(require(world, adam, false).await.unwrap(), Applied::AfterConfirmation);
        let allow = async |allowed| world.change(adam, async |w| w.set_self_approval(adam.may(SetSelfApproval { allowed })?).await).await;
        assert_eq!(allow(true).await.unwrap(), Applied::AfterConfirmation);
        let policy = async || world.store.read(adam).await.unwrap().approval_policy().await.unwrap();
        assert!(policy().await.dual_control && !policy().await.self_approval);
        for request in waiting(world, &abe).await {
            confirm(world, &abe, &request).await.unwrap();
        }
        assert!(!policy().await.dual_control && policy().await.self_approval);
        // Stricter settings take effect at once.
        assert_eq!((allow(false).await.unwrap(), require(world, adam, true).await.unwrap()), (Applied::Now, Applied::Now));
    }

    async fn d_04_a_request_for_confirmation_is_declined_withdrawn_or_expires(world) {
        let acme = &world.acme;
        require(world, &acme.adam, true).await.unwrap();
        for (by, action) in [(&acme.adam, "declined"), (&acme.olga, "withdrawn")] {
            set_role(world, &acme.olga, &acme.mia, Role::Approver).await.unwrap();
            let request = waiting(world, &acme.olga).await.remove(0);
            let decline = request.decline_action();
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

    async fn d_04_the_only_manager_waits_for_nobody(world) {
        let acme = &world.acme;
        require(world, &acme.adam, true).await.unwrap();
        // An owner confirms no link, and no admin of yesterday.
        assert_eq!(issue_link(world, &acme.adam, id(&acme.ada), "mine").await.unwrap(), Applied::Now);
        let abe = second_admin(world).await;
        set_tenant_role(world, &acme.console, &abe, TenantRole::Person).await.unwrap();
        world.wait(DAY);
        assert_eq!(issue_link(world, &acme.adam, id(&acme.ada), "another").await.unwrap(), Applied::Now);
    }

    async fn d_04_the_person_who_confirms_a_link_is_held_when_it_is_used(world) {
        let acme = &world.acme;
        let abe = second_admin(world).await;
        require(world, &acme.adam, true).await.unwrap();
        issue_link(world, &acme.adam, id(&acme.ada), "mine").await.unwrap();
        confirm(world, &abe, &waiting(world, &abe).await[0]).await.unwrap();
        world.wait(DAY);
        let holds = async || {
            let holds = world.store.read(&acme.adam).await.unwrap().holds().await.unwrap();
            holds.into_iter().map(|hold| hold.maker_id).collect::<std::collections::BTreeSet<_>>()
        };
        assert!(holds().await.is_empty());
        world.change(&acme.ada, async |w| w.use_password_link(hash("confirmed")).await).await.unwrap();
        assert_eq!(holds().await, [id(&acme.adam), id(&abe)].into_iter().collect());
    }

    /// An admin who locks or demotes the others would otherwise be the only one.
    async fn d_04_locked_and_former_managers_count(world) {
        let acme = &world.acme;
        let abe = second_admin(world).await;
        require(world, &acme.adam, true).await.unwrap();
        // Locking takes effect at once.
        lock(world, &acme.adam, &abe).await;
        lock(world, &acme.adam, &acme.olga).await;
        assert_eq!(issue_link(world, &acme.adam, id(&acme.ada), "mine").await.unwrap(), Applied::AfterConfirmation);
        assert_eq!(set_role(world, &acme.adam, &acme.mia, Role::Approver).await.unwrap(), Applied::AfterConfirmation);
        let allow = SetSelfApproval { allowed: true };
        let applied = world.change(&acme.adam, async |w| w.set_self_approval(acme.adam.may(allow)?).await).await.unwrap();
        assert_eq!(applied, Applied::AfterConfirmation);
        assert_eq!(require(world, &acme.adam, false).await.unwrap(), Applied::AfterConfirmation);
        let unlock = UnlockPerson { person: id(&abe) };
        world.change(&acme.adam, async |w| w.unlock_person(acme.adam.may(unlock)?).await).await.unwrap();
        // They were notified.
        let events = world.store.read(&abe).await.unwrap().account_events(10).await.unwrap();
        assert_eq!(events.iter().filter(|event| event.happened == AccountNotice::ConfirmationRequested).count(), 4);
        set_tenant_role(world, &acme.adam, &abe, TenantRole::Person).await.unwrap();
        assert_eq!(issue_link(world, &acme.adam, id(&acme.mia), "mia").await.unwrap(), Applied::Now, "Mia approves nothing");
        world.wait(DAY - Duration::from_secs(1));
        let again = issue_link(world, &acme.adam, id(&acme.ada), "mine").await;
        assert!(matches!(again, Err(Error::Conflict(Conflict::ConfirmationExists))), "{again:?}");
        let reset = ResetFactors { person: id(&acme.ada) };
        let applied = world.change(&acme.adam, async |w| w.reset_factors(acme.adam.may(reset)?).await).await.unwrap();
        assert_eq!(applied, Applied::AfterConfirmation);
        world.wait(Duration::from_secs(1));
        let (person, email) = (id(&acme.ada), email("other", "acme"));
        let replace = ReplaceAddress { person, email };
        let applied = world.change(&acme.adam, async |w| w.replace_address(acme.adam.may(replace)?, link()).await).await;
        assert_eq!(applied.unwrap(), Applied::Now, "Adam is the only admin since yesterday");
    }

    async fn d_04_an_owner_sees_and_confirms_only_memberships_of_their_organization(world) {
        let acme = &world.acme;
        second_admin(world).await;
        require(world, &acme.adam, true).await.unwrap();
        let own = SetMembership { organization: acme.lab, person: id(&acme.vera), role: Role::Owner };
        world.change(&acme.console, async |w| w.set_membership(acme.console.may(own)?).await).await.unwrap();
        let vera = world.again(&acme.vera).await;
        issue_link(world, &acme.adam, id(&acme.ada), "mine").await.unwrap();
        set_role(world, &acme.adam, &acme.mia, Role::Approver).await.unwrap();
        let mails = async |who: &Actor| {
            let events = world.store.read(who).await.unwrap().account_events(100).await.unwrap();
            events.iter().filter(|event| event.happened == AccountNotice::ConfirmationRequested).count()
        };
        assert_eq!((waiting(world, &vera).await.len(), mails(&vera).await), (0, 0));
        let (all, hers) = (waiting(world, &acme.adam).await, waiting(world, &acme.olga).await);
        assert_eq!((all.len(), hers.len(), mails(&acme.olga).await), (2, 1, 1));
        assert_eq!(hers[0].id, all[1].id);
        for (actor, request, reason) in [
            (&vera, &all[0], DenialReason::AdminOnly), (&acme.olga, &all[0], DenialReason::AdminOnly), (&vera, &all[1], DenialReason::ManagerOnly),
        ] {
            assert_eq!(actor.may(request.confirm_action()).unwrap_err().reason, reason);
            assert!(actor.may(request.decline_action()).is_err());
            let mut read = world.store.read(actor).await.unwrap();
            assert!(matches!(read.confirmation(request.id).await, Err(Error::NotFound)));
        }
        // The organization is compared with the stored change.
        let posing = domain::policy::ConfirmChange { organization: Some(acme.ops), ..all[0].confirm_action() };
        let posed = world.change(&acme.olga, async |w| w.confirm_change(acme.olga.may(posing)?, link()).await).await;
        assert!(matches!(posed, Err(Error::NotFound)), "{posed:?}");
        let posing = domain::policy::DeclineChange { organization: Some(acme.ops), ..all[0].decline_action() };
        let posed = world.change(&acme.olga, async |w| w.decline_change(acme.olga.may(posing)?).await).await;
        assert!(matches!(posed, Err(Error::NotFound)), "{posed:?}");
        confirm(world, &acme.olga, &hers[0]).await.unwrap();
        assert_eq!(role(world, &acme.mia).await, Some(Role::Approver));
    }

    /// Otherwise an admin would confirm their own request with the account of an admin whom they just made.
    async fn d_04_an_account_on_hold_confirms_nothing_for_its_maker_and_lifts_none_of_their_holds(world) {
        let acme = &world.acme;
        let adam = &acme.adam;
        let abe = second_admin(world).await;
        require(world, adam, true).await.unwrap();
        set_tenant_role(world, adam, &acme.mia, TenantRole::Admin).await.unwrap();
        confirm(world, &abe, &waiting(world, &abe).await[0]).await.unwrap();
        let mia = world.again(&acme.mia).await;
        issue_link(world, adam, id(&acme.ada), "mine").await.unwrap();
        let request = waiting(world, &mia).await.remove(0);
        let refused = confirm(world, &mia, &request).await;
        assert!(matches!(refused, Err(Error::Conflict(Conflict::ConfirmerOnHold))), "{refused:?}");
        // The other way round, too: Adam may have access to the account of Mia.
        set_role(world, &mia, &acme.vera, Role::Approver).await.unwrap();
        let hers = waiting(world, adam).await.remove(1);
        let refused = confirm(world, adam, &hers).await;
        assert!(matches!(refused, Err(Error::Conflict(Conflict::ConfirmerOnHold))), "{refused:?}");
        confirm(world, &abe, &request).await.unwrap();
        let lift = || domain::policy::LiftHold { person: id(&acme.ada), maker: id(adam) };
        let refused = world.change(&mia, async |w| w.lift_hold(mia.may(lift())?).await).await;
        assert!(matches!(refused, Err(Error::Conflict(Conflict::ConfirmerOnHold))), "{refused:?}");
        world.wait(DAY - Duration::from_secs(1));
        let lifted = world.change(&acme.console, async |w| w.lift_hold(acme.console.may(lift())?).await).await;
        lifted.unwrap();
        world.wait(Duration::from_secs(1));
        confirm(world, adam, &hers).await.unwrap();
        assert_eq!(role(world, &acme.vera).await, Some(Role::Approver));
    }

    /// An admin demotes an approver, takes a link for a plain member, and requests the role back.
    async fn d_04_a_former_approver_is_protected_for_a_day(world) {
        let acme = &world.acme;
        let (adam, ada) = (&acme.adam, &acme.ada);
        let abe = second_admin(world).await;
        require(world, adam, true).await.unwrap();
        set_role(world, adam, ada, Role::Member).await.unwrap();
        assert_eq!(issue_link(world, adam, id(ada), "mine").await.unwrap(), Applied::AfterConfirmation);
        let reset = ResetFactors { person: id(ada) };
        let applied = world.change(adam, async |w| w.reset_factors(adam.may(reset)?).await).await.unwrap();
        assert_eq!(applied, Applied::AfterConfirmation);
        for request in waiting(world, adam).await {
            world.change(adam, async |w| w.decline_change(adam.may(request.decline_action())?).await).await.unwrap();
        }
        // Removal counts like a lower role.
        let remove = RemoveMembership { organization: acme.ops, person: id(&acme.abe), successor: None };
        world.change(adam, async |w| w.remove_membership(adam.may(remove)?).await).await.unwrap();
        world.wait(DAY);
        assert_eq!(issue_link(world, adam, id(ada), "mine").await.unwrap(), Applied::Now, "a plain member since yesterday");
        let person = id(ada);
        let replace = ReplaceAddress { person, email: email("other", "acme") };
        let new = MailedLink { token: "", token_hash: hash("address") };
        world.change(adam, async |w| w.replace_address(adam.may(replace)?, new).await).await.unwrap();
        set_role(world, adam, ada, Role::Approver).await.unwrap();
        confirm(world, &abe, &waiting(world, &abe).await[0]).await.unwrap();
        // The promotion revoked what was open.
        let used = world.change(ada, async |w| w.use_password_link(hash("mine")).await).await;
        assert!(matches!(used, Err(Error::NotFound)), "{used:?}");
        let used = world.change(ada, async |w| w.confirm_address(hash("address"), None).await).await;
        assert!(matches!(used, Err(Error::NotFound)), "{used:?}");
    }

    async fn d_04_the_audit_log_names_both_and_the_role_in_effect(world) {
        let acme = &world.acme;
        let abe = second_admin(world).await;
        require(world, &acme.adam, true).await.unwrap();
        let olga = &acme.olga;
        let invitation = InvitationId(store::new_id());
        let invite = Invite { invitation, organization: acme.ops, role: Role::Approver, email: None, uses: 1, days: 7 };
        let new = NewInvitation { token: String::new(), token_hash: hash("i") };
        world.change(olga, async |w| w.invite(olga.may(invite)?, new).await).await.unwrap();
        let admit = AdmitInvitee { invitation, organization: acme.ops, email: email("second", "acme"), name: "Second".into() };
        let nobody = &acme.invitation;
        world.change(nobody, async |w| w.admit_invitee(nobody.may(admit)?, hash("i"), "$argon2id$").await).await.unwrap();
        let record = last_record(world, "invitation.admit").await;
        assert_eq!((&record.detail["role"], &record.detail["pending"]), (&"member".into(), &"approver".into()));
        let new = CreatePerson { email: email("new", "acme"), name: "New".into(), tenant_role: TenantRole::Admin };
        world.change(&acme.adam, async |w| w.create_person(acme.adam.may(new)?).await).await.unwrap();
        let record = last_record(world, "person.create").await;
        assert_eq!((&record.detail["tenant_role"], &record.detail["pending"]), (&"person".into(), &"admin".into()));
        let by_key = Actor { by: domain::SignedInBy::Passkey, ..abe.clone() };
        confirm(world, &by_key, &waiting(world, &abe).await[0]).await.unwrap();
        let record = last_record(world, "membership.set").await;
        assert_eq!((record.person(), record.by.as_str()), (Some(id(&abe)), "passkey"));
        assert_eq!(record.detail["requester"], serde_json::json!(id(olga)));
    }

    async fn d_04_pending_changes_are_limited_and_end_with_the_departure(world) {
        let acme = &world.acme;
        second_admin(world).await;
        require(world, &acme.adam, true).await.unwrap();
        let replace = async |number: usize| {
            let replace = ReplaceAddress { person: id(&acme.ada), email: email(&format!("other{number}"), "acme") };
            world.change(&acme.adam, async |w| w.replace_address(acme.adam.may(replace)?, link()).await).await
        };
        for number in 0..20 {
            assert_eq!(replace(number).await.unwrap(), Applied::AfterConfirmation);
        }
        assert!(matches!(replace(20).await, Err(Error::Conflict(Conflict::TooManyConfirmations))));
        set_role(world, &acme.olga, &acme.mia, Role::Approver).await.unwrap();
        set_role(world, &acme.olga, &acme.vera, Role::Owner).await.unwrap();
        let requests = waiting(world, &acme.olga).await;
        let remove = RemoveMembership { organization: acme.ops, person: id(&acme.mia), successor: None };
        world.change(&acme.adam, async |w| w.remove_membership(acme.adam.may(remove)?).await).await.unwrap();
        assert_eq!(actions(world).await[0], "confirmation.decline");
        let late = confirm(world, &acme.adam, &requests[0]).await;
        assert!(matches!(late, Err(Error::Conflict(Conflict::ConfirmationSettled))), "{late:?}");
        assert_eq!(role(world, &acme.mia).await, None);
        lock(world, &acme.adam, &acme.vera).await;
        assert_eq!(waiting(world, &acme.olga).await.len(), 0);
    }

    async fn d_04_a_confirmation_does_not_lower_a_role(world) {
        let acme = &world.acme;
        require(world, &acme.adam, true).await.unwrap();
        set_role(world, &acme.olga, &acme.mia, Role::Approver).await.unwrap();
        set_role(world, &acme.console, &acme.mia, Role::Owner).await.unwrap();
        let late = confirm(world, &acme.adam, &waiting(world, &acme.adam).await[0]).await;
        assert!(matches!(late, Err(Error::Conflict(Conflict::ConfirmationOutdated))), "{late:?}");
        assert_eq!(role(world, &acme.mia).await, Some(Role::Owner));
    }
}

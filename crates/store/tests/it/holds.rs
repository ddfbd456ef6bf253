//! Holds, announcements and own requests (D-04): no admin or owner approves their own request through a second account.
use crate::{
    raw::Raw,
    world::{World, decision, email, hash, needs_approval, on_both},
};
use domain::{
    Actor, InvitationId, PersonId,
    account::{AccountChange, AccountNotice},
    approval::{Answer, ApprovalState},
    policy::{
        AcceptInvitation, AcceptJoinRequest, AdmitInvitee, CreateOrganization, CreatePerson, CreateServiceAccount,
        DenialReason, Invite, IssuePasswordLink, LiftHold, LockPerson, ReplaceAddress, RequestMembership, ResetFactors,
        SetAcceptsJoinRequests, SetMembership, SetSelfApproval, SetTenantRole, SyncProviderRoles,
    },
    role::{Role, TenantRole},
    task::TaskState,
};
use std::time::Duration;
use store::{Approval, Conflict, Error, MailedLink, NewInvitation, Result, Submitted};

const DAY: Duration = Duration::from_hours(24);

fn id(actor: &Actor) -> PersonId {
    actor.person().unwrap()
}

async fn set_role(world: &World, by: &Actor, who: &Actor, role: Role) {
    let set = SetMembership { organization: world.acme.ops, person: id(who), role };
    world.change(by, async |write| write.set_membership(by.may(set)?).await).await.unwrap();
}

async fn issue_link(world: &World, by: &Actor, person: PersonId) {
    let (link, token_hash) = (IssuePasswordLink { person }, hash(&store::new_id().to_string()));
    world.change(by, async |write| write.issue_password_link(by.may(link)?, token_hash).await).await.unwrap();
}

/// Returns the approval request of a task as this actor sees it.
async fn seen(world: &World, actor: &Actor, task: &Submitted) -> Approval {
    world.store.read(actor).await.unwrap().approval_of(task.id).await.unwrap().unwrap()
}

/// Returns the number of requests that the actor can decide.
async fn waiting(world: &World, actor: &Actor) -> i64 {
    let mut read = world.store.read(actor).await.unwrap();
    let (count, list) = (read.approvals_waiting_for_me().await.unwrap(), read.approvals_for_me(100).await.unwrap());
    assert_eq!(usize::try_from(count).unwrap(), list.len());
    count
}

/// Asks the policy whether the actor decides a request that they see.
async fn denied(world: &World, actor: &Actor, task: &Submitted) -> Option<DenialReason> {
    let approval = seen(world, actor, task).await;
    let action = approval.decide_action(Answer::Approve, String::new(), approval.request_digest);
    actor.may(action).err().map(|denied| {
        let is_held = denied.reason == DenialReason::ApproverOnHold;
        assert_eq!(denied.until.is_some(), is_held);
        denied.reason
    })
}

async fn notices(world: &World, actor: &Actor) -> Vec<(AccountNotice, String)> {
    let mut read = world.store.read(actor).await.unwrap();
    let events = read.account_events(100).await.unwrap();
    events.into_iter().rev().map(|event| (event.happened, event.detail)).collect()
}

/// Makes Abe an admin, so that two admins and an owner remain beside each other.
async fn with_second_admin(world: &World) -> Actor {
    let (console, abe) = (&world.acme.console, &world.acme.abe);
    let set = SetTenantRole { person: id(abe), tenant_role: TenantRole::Admin };
    world.change(console, async |write| write.set_tenant_role(console.may(set)?).await).await.unwrap();
    world.again(abe).await
}

async fn approve(world: &World, actor: &Actor, task: &Submitted) -> Result<ApprovalState> {
    let approval = seen(world, actor, task).await;
    world.change(actor, async |write| write.decide(actor.may(decision(&approval, Answer::Approve))?).await).await
}

/// Returns a new account that accepted an invitation.
async fn invited(world: &World, by: &Actor, role: Role) -> Actor {
    let (organization, invitation) = (world.acme.ops, InvitationId(store::new_id()));
    let invite = Invite { invitation, organization, role, email: None, uses: 1, days: 7 };
    let link = NewInvitation { token: String::new(), token_hash: hash("i") };
    world.change(by, async |w| w.invite(by.may(invite)?, link).await).await.unwrap();
    let admit = AdmitInvitee { invitation, organization, email: email("second", "acme"), name: "Second".into() };
    let nobody = &world.acme.invitation;
    let admitted =
        world.change(nobody, async |w| w.admit_invitee(nobody.may(admit)?, hash("i"), "$argon2id$").await).await;
    crate::world::person(&world.store, world.acme.tenant, admitted.unwrap()).await
}

async fn set_self_approval(world: &World, allowed: bool) {
    let adam = &world.acme.adam;
    let set = SetSelfApproval { allowed };
    world.change(adam, async |write| write.set_self_approval(adam.may(set)?).await).await.unwrap();
}

async fn last_detail(world: &World, task: &Submitted) -> serde_json::Value {
    let mut read = world.store.read(&world.acme.console).await.unwrap();
    let last = read.task_history(task.id).await.unwrap().pop().unwrap();
    serde_json::from_str::<domain::audit::Record>(&last.body).unwrap().detail
}

on_both! {
    async fn d_04_an_account_on_hold_does_not_decide_requests_of_the_person_who_made_it_an_approver(world) {
        let acme = &world.acme;
        set_role(world, &acme.olga, &acme.mia, Role::Approver).await;
        let mia = world.again(&acme.mia).await;
        let (olgas, adas) = (world.submit(&acme.olga, needs_approval(acme.ops)).await, world.submit(&acme.ada, needs_approval(acme.ops)).await);
        assert_eq!(denied(world, &mia, &olgas).await, Some(DenialReason::ApproverOnHold));
        assert_eq!(seen(world, &mia, &olgas).await.held_until, Some(world.now().after(DAY)));
        // The transaction judges again, whatever the policy saw.
        let result = approve(world, &mia, &olgas).await;
        assert!(matches!(result, Err(Error::Conflict(Conflict::DeciderOnHold))), "{result:?}");
        assert_eq!(waiting(world, &mia).await, 1);
        assert_eq!(approve(world, &mia, &adas).await.unwrap(), ApprovalState::Approved, "requests of others are decided");
        assert_eq!(denied(world, &acme.abe, &olgas).await, None, "by other approvers");
        world.wait(DAY - Duration::from_secs(1));
        assert_eq!(denied(world, &mia, &olgas).await, Some(DenialReason::ApproverOnHold));
        let again = world.submit(&acme.olga, needs_approval(acme.ops)).await;
        world.wait(Duration::from_secs(1));
        assert_eq!((waiting(world, &mia).await, denied(world, &mia, &again).await), (2, None));
        assert_eq!(approve(world, &mia, &again).await.unwrap(), ApprovalState::Approved);
    }

    async fn d_04_access_to_the_account_of_an_approver_starts_a_hold(world) {
        let acme = &world.acme;
        let (adam, ada) = (&acme.adam, id(&acme.ada));
        world.store.enable_mail();
        set_role(world, &acme.console, adam, Role::Member).await;
        let adam = &world.again(adam).await;
        for change in ["link", "factors", "address"] {
            let task = world.submit(adam, needs_approval(acme.ops)).await;
            assert_eq!(denied(world, &acme.ada, &task).await, None, "{change}");
            match change {
                "link" => issue_link(world, adam, ada).await,
                "factors" => {
                    let reset = ResetFactors { person: ada };
                    world.change(adam, async |w| w.reset_factors(adam.may(reset)?).await).await.unwrap();
                }
                _ => {
                    let replace = ReplaceAddress { person: ada, email: email("other", "acme") };
                    let link = MailedLink { token: "", token_hash: hash("address") };
                    world.change(adam, async |w| w.replace_address(adam.may(replace)?, link).await).await.unwrap();
                }
            }
            assert_eq!(denied(world, &acme.ada, &task).await, Some(DenialReason::ApproverOnHold), "{change}");
            world.wait(DAY);
        }
    }

    async fn d_04_a_hold_covers_service_accounts_and_keys_of_the_person(world) {
        let acme = &world.acme;
        let (olga, console) = (&acme.olga, &acme.console);
        let robot = CreateServiceAccount { name: "robot".into(), responsible: id(olga) };
        let robot = world.change(console, async |w| w.create_service_account(console.may(robot)?).await).await.unwrap();
        let robot = crate::world::person(&world.store, acme.tenant, robot).await;
        set_role(world, console, &robot, Role::Member).await;
        let robot = world.again(&robot).await;
        let new = domain::policy::CreateKey { responsible: olga.person(), ..crate::world::new_key(&robot, "key", "tasks:*") };
        let key = world.change(olga, async |w| w.create_key(olga.may(new)?, "mk_", hash("robot")).await).await.unwrap();
        let key = crate::world::holding(&robot, key, "tasks:*");
        let own_key = world.key(olga, "tasks:*").await;
        issue_link(world, &acme.adam, id(&acme.ada)).await;
        let tasks = [world.submit(&key, needs_approval(acme.ops)).await, world.submit(&own_key, needs_approval(acme.ops)).await];
        for task in &tasks {
            assert_eq!(denied(world, &acme.ada, task).await, None, "Adam is not Olga");
        }
        set_role(world, olga, &acme.vera, Role::Approver).await;
        let vera = world.again(&acme.vera).await;
        for task in &tasks {
            assert_eq!(denied(world, &vera, task).await, Some(DenialReason::ApproverOnHold));
        }
        assert_eq!(waiting(world, &vera).await, 0);
    }

    /// Otherwise a held account could make another approver.
    async fn d_04_a_hold_extends_to_approvers_that_the_held_account_makes(world) {
        let acme = &world.acme;
        set_role(world, &acme.olga, &acme.mia, Role::Owner).await;
        let mia = world.again(&acme.mia).await;
        set_role(world, &mia, &acme.vera, Role::Approver).await;
        let vera = world.again(&acme.vera).await;
        let task = world.submit(&acme.olga, needs_approval(acme.ops)).await;
        assert_eq!(denied(world, &vera, &task).await, Some(DenialReason::ApproverOnHold));
    }

    async fn d_04_an_admin_who_is_not_involved_lifts_a_hold(world) {
        let acme = &world.acme;
        let abe = with_second_admin(world).await;
        issue_link(world, &abe, id(&acme.ada)).await;
        let task = world.submit(&abe, needs_approval(acme.ops)).await;
        assert_eq!(denied(world, &acme.ada, &task).await, Some(DenialReason::ApproverOnHold));
        let lift = || LiftHold { person: id(&acme.ada), maker: id(&abe) };
        assert_eq!(abe.may(lift()).unwrap_err().reason, DenialReason::InvolvedInHold);
        assert!(acme.olga.may(lift()).is_err(), "an owner is no admin");
        let holds = world.store.read(&acme.adam).await.unwrap().holds().await.unwrap();
        assert_eq!(holds.iter().map(|hold| (hold.person_id, hold.maker_id)).collect::<Vec<_>>(), [(id(&acme.ada), id(&abe))]);
        let adam = &acme.adam;
        world.change(adam, async |w| w.lift_hold(adam.may(lift())?).await).await.unwrap();
        assert_eq!(denied(world, &acme.ada, &task).await, None);
        let again = world.change(adam, async |w| w.lift_hold(adam.may(lift())?).await).await;
        assert!(matches!(again, Err(Error::NotFound)), "{again:?}");
        assert!(notices(world, &abe).await.iter().any(|(notice, _)| *notice == AccountNotice::HoldLifted));
        assert_eq!(approve(world, &acme.ada, &task).await.unwrap(), ApprovalState::Approved);
        assert_eq!(world.claim(&acme.rex).await.unwrap().lease.task, task.id);
    }

    /// A decision that was made in a hold, such as one beside the change that started it, does not count.
    async fn d_04_a_decision_made_in_a_hold_does_not_count_at_claim(world) {
        let acme = &world.acme;
        let task = world.submit(&acme.olga, needs_approval(acme.ops)).await;
        approve(world, &acme.ada, &task).await.unwrap();
        let mut raw = Raw::of(world).await;
        let (tenant, ada, olga) = (raw.id(acme.tenant.0), raw.id(id(&acme.ada).0), raw.id(id(&acme.olga).0));
        let (now, end) = (world.now().0, world.now().after(DAY).0);
        raw.run(&format!("insert into account_hold (tenant_id, person_id, maker_id, cause, created_at, expires_at)
            values ({tenant}, {ada}, {olga}, 'role', {now}, {end})")).await.unwrap();
        assert!(world.claim(&acme.rex).await.is_none());
        assert_eq!(world.state(acme, task.id).await, TaskState::AwaitingApproval);
        assert_eq!(last_detail(world, &task).await["because"], "an_approval_no_longer_counts");
        assert_eq!(seen(world, &acme.abe, &task).await.given, 0);
        approve(world, &acme.abe, &task).await.unwrap();
        assert_eq!(world.claim(&acme.rex).await.unwrap().lease.task, task.id);
    }

    async fn d_04_a_decision_before_the_change_still_counts(world) {
        let acme = &world.acme;
        let task = world.submit(&acme.olga, needs_approval(acme.ops)).await;
        approve(world, &acme.ada, &task).await.unwrap();
        world.wait(Duration::from_secs(1));
        let reset = ResetFactors { person: id(&acme.ada) };
        world.change(&acme.adam, async |w| w.reset_factors(acme.adam.may(reset)?).await).await.unwrap();
        assert_eq!(world.claim(&acme.rex).await.unwrap().lease.task, task.id);
    }

    async fn d_04_there_is_no_hold_for_the_console_or_the_only_manager(world) {
        let acme = &world.acme;
        issue_link(world, &acme.console, id(&acme.ada)).await;
        set_role(world, &acme.console, &acme.mia, Role::Approver).await;
        assert_eq!(world.store.read(&acme.adam).await.unwrap().holds().await.unwrap().len(), 0);
        // A tenant with one admin.
        let tenant = world.store.system().create_tenant("solo").await.unwrap();
        let console = &Actor::console(tenant, world.now());
        let new = |who: &str, tenant_role| CreatePerson { email: email(who, "solo"), name: who.into(), tenant_role };
        let admin = world.change(console, async |w| w.create_person(console.may(new("eve", TenantRole::Admin))?).await).await.unwrap();
        let admin = crate::world::person(&world.store, tenant, admin).await;
        let other = world.change(&admin, async |w| {
            let other = w.create_person(admin.may(new("ben", TenantRole::Person))?).await?;
            w.set_tenant_role(admin.may(SetTenantRole { person: other, tenant_role: TenantRole::Admin })?).await?;
            w.issue_password_link(admin.may(IssuePasswordLink { person: other })?, hash("solo")).await?;
            Ok(other)
        }).await.unwrap();
        let holds = world.store.read(&admin).await.unwrap().holds().await.unwrap();
        assert_eq!(holds.iter().map(|hold| (hold.person_id, hold.cause)).collect::<Vec<_>>(), [(other, AccountChange::PasswordLink)], "two admins then");
    }

    /// An owner could otherwise submit with one account of their own and approve with another.
    async fn d_04_an_account_on_hold_does_not_decide_requests_of_accounts_that_its_maker_made(world) {
        let acme = &world.acme;
        let olga = &acme.olga;
        let second = invited(world, olga, Role::Member).await;
        set_role(world, olga, &acme.mia, Role::Approver).await;
        let mia = world.again(&acme.mia).await;
        let task = world.submit(&second, needs_approval(acme.ops)).await;
        assert_eq!((denied(world, &mia, &task).await, waiting(world, &mia).await), (Some(DenialReason::ApproverOnHold), 0));
        assert!(matches!(approve(world, &mia, &task).await, Err(Error::Conflict(Conflict::DeciderOnHold))));
        // The maker has access to the account, too.
        assert_eq!((denied(world, olga, &task).await, waiting(world, olga).await), (Some(DenialReason::ApproverOnHold), 0));
        assert!(matches!(approve(world, olga, &task).await, Err(Error::Conflict(Conflict::DeciderOnHold))));
        assert_eq!((denied(world, &acme.ada, &task).await, waiting(world, &acme.ada).await), (None, 1));
        let lift = LiftHold { person: id(&second), maker: id(olga) };
        world.change(&acme.adam, async |w| w.lift_hold(acme.adam.may(lift)?).await).await.unwrap();
        assert_eq!((denied(world, &mia, &task).await, waiting(world, &mia).await), (None, 1));
        // A link gives access to an older account.
        issue_link(world, &acme.adam, id(&acme.vera)).await;
        issue_link(world, &acme.adam, id(&acme.ada)).await;
        set_role(world, &acme.console, &acme.vera, Role::Member).await;
        let task = world.submit(&world.again(&acme.vera).await, needs_approval(acme.ops)).await;
        assert_eq!(denied(world, &acme.ada, &task).await, Some(DenialReason::ApproverOnHold));
        assert_eq!(denied(world, &acme.abe, &task).await, None);
        world.wait(DAY);
        assert_eq!((denied(world, &acme.ada, &task).await, denied(world, olga, &task).await), (None, None));
    }

    async fn d_04_a_decision_about_an_account_of_the_same_maker_does_not_count_at_claim(world) {
        let acme = &world.acme;
        issue_link(world, &acme.adam, id(&acme.mia)).await;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        approve(world, &acme.ada, &task).await.unwrap();
        let mut raw = Raw::of(world).await;
        let (tenant, ada, adam) = (raw.id(acme.tenant.0), raw.id(id(&acme.ada).0), raw.id(id(&acme.adam).0));
        let (now, end) = (world.now().0, world.now().after(DAY).0);
        raw.run(&format!("insert into account_hold (tenant_id, person_id, maker_id, cause, created_at, expires_at)
            values ({tenant}, {ada}, {adam}, 'role', {now}, {end})")).await.unwrap();
        assert_eq!(seen(world, &acme.abe, &task).await.given, 0);
        assert!(world.claim(&acme.rex).await.is_none());
        assert_eq!(last_detail(world, &task).await["because"], "an_approval_no_longer_counts");
    }

    /// Links live longer than holds.
    async fn d_04_the_use_of_a_link_or_a_replaced_address_starts_the_hold_again(world) {
        let acme = &world.acme;
        world.store.enable_mail();
        set_role(world, &acme.console, &acme.adam, Role::Member).await;
        let (adam, ada) = (&world.again(&acme.adam).await, &acme.ada);
        let link = IssuePasswordLink { person: id(ada) };
        world.change(adam, async |w| w.issue_password_link(adam.may(link)?, hash("late")).await).await.unwrap();
        world.wait(DAY + DAY);
        let task = world.submit(adam, needs_approval(acme.ops)).await;
        assert_eq!(denied(world, ada, &task).await, None);
        world.change(ada, async |w| w.use_password_link(hash("late")).await).await.unwrap();
        assert_eq!(denied(world, ada, &task).await, Some(DenialReason::ApproverOnHold));
        world.wait(DAY);
        let replace = ReplaceAddress { person: id(ada), email: email("other", "acme") };
        let new = MailedLink { token: "", token_hash: hash("address") };
        world.change(adam, async |w| w.replace_address(adam.may(replace)?, new).await).await.unwrap();
        world.wait(DAY - Duration::from_secs(1));
        world.change(ada, async |w| w.confirm_address(hash("address"), None).await).await.unwrap();
        world.wait(Duration::from_secs(1));
        let task = world.submit(adam, needs_approval(acme.ops)).await;
        assert_eq!(denied(world, ada, &task).await, Some(DenialReason::ApproverOnHold));
        world.wait(DAY);
        assert_eq!(denied(world, ada, &task).await, None);
    }

    /// An admin who locks the others would otherwise be the only one, for whom there is no hold, and of whose changes nobody is notified.
    async fn d_04_locked_managers_count_for_holds_and_announcements(world) {
        let acme = &world.acme;
        let (adam, olga) = (&acme.adam, &acme.olga);
        let lock = LockPerson { person: id(olga) };
        world.change(adam, async |w| w.lock_person(adam.may(lock)?).await).await.unwrap();
        set_role(world, adam, &acme.mia, Role::Approver).await;
        let mia = world.again(&acme.mia).await;
        set_role(world, &acme.console, adam, Role::Member).await;
        let task = world.submit(&world.again(adam).await, needs_approval(acme.ops)).await;
        assert_eq!(denied(world, &mia, &task).await, Some(DenialReason::ApproverOnHold));
        let notice = (AccountNotice::ApproverAdded, "mia of acme · adam of acme".to_owned());
        assert_eq!(notices(world, olga).await.last(), Some(&notice));
    }

    async fn d_04_admins_and_owners_learn_of_every_new_approver_and_of_access_to_their_accounts(world) {
        let acme = &world.acme;
        let (adam, olga, console) = (&acme.adam, &acme.olga, &acme.console);
        world.store.enable_mail();
        let mails = async || Raw::of(world).await.number("select count(*) from mail").await;
        let names = |who: &str, by: &str| format!("{who} of acme · {by}");
        let mut expected: Vec<(AccountNotice, String)> = notices(world, olga).await;
        let mut check = async |notice: AccountNotice, person: PersonId, detail: String, more_mails: i64, before: i64| {
            expected.push((notice, detail));
            for manager in [adam, olga] {
                let found = notices(world, manager).await;
                assert_eq!(found.last(), expected.last(), "{}", manager.name);
            }
            let own = notices(world, &crate::world::person(&world.store, acme.tenant, person).await).await;
            assert!(own.contains(expected.last().unwrap()), "{own:?}");
            assert_eq!(mails().await - before, more_mails, "{notice}");
        };

        let before = mails().await;
        set_role(world, olga, &acme.mia, Role::Approver).await;
        check(AccountNotice::ApproverAdded, id(&acme.mia), names("mia", "olga of acme"), 3, before).await;

        let before = mails().await;
        let organization = acme.ops;
        let invitation = InvitationId(store::new_id());
        let invite = Invite { invitation, organization, role: Role::Approver, email: None, uses: 2, days: 7 };
        let link = NewInvitation { token: String::new(), token_hash: hash("i") };
        world.change(olga, async |w| w.invite(olga.may(invite)?, link).await).await.unwrap();
        let accept = AcceptInvitation { invitation, organization, person: id(&acme.sam) };
        world.change(&acme.sam, async |w| w.accept_invitation(acme.sam.may(accept)?, hash("i")).await).await.unwrap();
        check(AccountNotice::ApproverAdded, id(&acme.sam), names("sam", "olga of acme"), 3, before).await;

        let ask = RequestMembership { organization: acme.lab, person: id(&acme.vera), reason: String::new() };
        let open = SetAcceptsJoinRequests { organization: acme.lab, open: true };
        world.change(olga, async |w| w.set_accepts_join_requests(olga.may(open)?).await).await.unwrap();
        let request = world.change(&acme.vera, async |w| w.request_membership(acme.vera.may(ask)?).await).await.unwrap();
        let before = mails().await;
        let accept = AcceptJoinRequest { request, organization: acme.lab, role: Role::Owner };
        world.change(olga, async |w| w.accept_join_request(olga.may(accept)?).await).await.unwrap();
        check(AccountNotice::ApproverAdded, id(&acme.vera), names("vera", "olga of acme"), 4, before).await;

        // Vera is an owner now.
        let before = mails().await;
        let (person, provider) = (id(&acme.audrey), &acme.provider);
        let sync = SyncProviderRoles { person, provider: "id".into(), tenant_role: TenantRole::Person, roles: Some(vec![(acme.ops, Role::Approver)]) };
        world.change(provider, async |w| w.sync_roles_from_provider(provider.may(sync)?).await).await.unwrap();
        check(AccountNotice::ApproverAdded, person, names("audrey", "ID"), 4, before).await;

        let before = mails().await;
        let admin = SetTenantRole { person, tenant_role: TenantRole::Admin };
        world.change(adam, async |w| w.set_tenant_role(adam.may(admin)?).await).await.unwrap();
        check(AccountNotice::ApproverAdded, person, names("audrey", "adam of acme"), 4, before).await;

        // Audrey is an admin now.
        let before = mails().await;
        let new = CreatePerson { email: email("new", "acme"), name: "new of acme".into(), tenant_role: TenantRole::Admin };
        let new = world.change(console, async |w| w.create_person(console.may(new)?).await).await.unwrap();
        check(AccountNotice::ApproverAdded, new, names("new", "console"), 5, before).await;

        let (ada, before) = (id(&acme.ada), mails().await);
        issue_link(world, console, ada).await;
        check(AccountNotice::ApproverLinkIssued, ada, names("ada", "console"), 6, before).await;
        let reset = ResetFactors { person: ada };
        let before = mails().await;
        world.change(adam, async |w| w.reset_factors(adam.may(reset)?).await).await.unwrap();
        check(AccountNotice::ApproverFactorsReset, ada, names("ada", "adam of acme"), 7, before).await;
        let replace = ReplaceAddress { person: ada, email: email("other", "acme") };
        let link = MailedLink { token: "", token_hash: hash("address") };
        let before = mails().await;
        world.change(adam, async |w| w.replace_address(adam.may(replace)?, link).await).await.unwrap();
        check(AccountNotice::ApproverAddressReplaced, ada, names("ada", "adam of acme"), 8, before).await;

        // Nothing is announced about other roles, and a role that somebody has already.
        let count = notices(world, olga).await.len();
        set_role(world, adam, &acme.mia, Role::Member).await;
        set_role(world, adam, &acme.ada, Role::Approver).await;
        world.wait(DAY); // Mia was an approver
        issue_link(world, adam, id(&acme.mia)).await;
        assert_eq!(notices(world, olga).await.len(), count);
        for stranger in [&world.bolt.adam, &world.bolt.olga] {
            let found = notices(world, stranger).await;
            assert!(found.iter().all(|(_, detail)| !detail.contains("acme")), "{found:?}");
        }
    }

    async fn d_04_an_invitee_who_becomes_an_approver_is_on_hold_for_the_inviter(world) {
        let acme = &world.acme;
        let olga = &acme.olga;
        let second = invited(world, olga, Role::Approver).await;
        let task = world.submit(olga, needs_approval(acme.ops)).await;
        assert_eq!(denied(world, &second, &task).await, Some(DenialReason::ApproverOnHold));
        assert!(matches!(approve(world, &second, &task).await, Err(Error::Conflict(Conflict::DeciderOnHold))));
    }

    async fn d_04_nobody_decides_their_own_request_unless_the_tenant_allows_it(world) {
        let acme = &world.acme;
        let before = world.submit(&acme.ada, needs_approval(acme.ops)).await;
        set_self_approval(world, true).await;
        assert_eq!(denied(world, &acme.ada, &before).await, Some(DenialReason::OwnApprovalRequest), "submitted before");
        let task = world.submit(&acme.ada, needs_approval(acme.ops)).await;
        assert_eq!((denied(world, &acme.ada, &task).await, waiting(world, &acme.ada).await), (None, 1));
        let key = world.key(&acme.ada, "tasks:*,approvals:*").await;
        assert_eq!(denied(world, &key, &task).await, Some(DenialReason::OwnApprovalRequest), "not with a key");
        assert_eq!(waiting(world, &key).await, 0);
        assert_eq!(approve(world, &acme.ada, &task).await.unwrap(), ApprovalState::Approved);
        assert_eq!(last_detail(world, &task).await["own_request"], true);
        let decisions = world.store.read(&acme.ada).await.unwrap().decisions(task.id).await.unwrap();
        assert!(decisions[0].is_own);
        let taken = world.claim(&acme.rex).await.unwrap();
        assert!(taken.lease.task == task.id && taken.consent.judgment.statement.self_approval);
        // The decision of somebody else is not marked.
        let other = world.submit(&acme.ada, needs_approval(acme.ops)).await;
        approve(world, &acme.abe, &other).await.unwrap();
        assert!(last_detail(world, &other).await["own_request"].is_null());
        assert!(!world.store.read(&acme.ada).await.unwrap().decisions(other.id).await.unwrap()[0].is_own);
        let notice = (AccountNotice::ApprovalPolicyChanged, "adam of acme".to_owned());
        assert_eq!(notices(world, &acme.olga).await.last(), Some(&notice));
    }

    async fn d_04_an_own_decision_counts_once(world) {
        let acme = &world.acme;
        world.ask(acme, 2).await;
        set_self_approval(world, true).await;
        let task = world.submit(&acme.ada, needs_approval(acme.ops)).await;
        assert_eq!(approve(world, &acme.ada, &task).await.unwrap(), ApprovalState::Waiting);
        assert!(matches!(approve(world, &acme.ada, &task).await, Err(Error::Conflict(Conflict::AlreadyDecided))));
        assert!(world.claim(&acme.rex).await.is_none());
        assert_eq!(approve(world, &acme.abe, &task).await.unwrap(), ApprovalState::Approved);
        assert_eq!(world.claim(&acme.rex).await.unwrap().consent.decisions.len(), 2);
    }

    async fn d_04_an_own_decision_counts_only_while_the_tenant_allows_it(world) {
        let acme = &world.acme;
        set_self_approval(world, true).await;
        let (task, open) = (world.submit(&acme.ada, needs_approval(acme.ops)).await, world.submit(&acme.ada, needs_approval(acme.ops)).await);
        approve(world, &acme.ada, &task).await.unwrap();
        let shown = seen(world, &acme.ada, &open).await;
        set_self_approval(world, false).await;
        assert!(world.claim(&acme.rex).await.is_none());
        assert_eq!(world.state(acme, task.id).await, TaskState::AwaitingApproval);
        assert_eq!(last_detail(world, &task).await["because"], "an_approval_no_longer_counts");
        // The setting changed after the policy allowed it.
        let late = world.change(&acme.ada, async |w| w.decide(acme.ada.may(decision(&shown, Answer::Approve))?).await).await;
        assert!(matches!(late, Err(Error::Conflict(Conflict::DeciderIsRequester))), "{late:?}");
        assert_eq!(denied(world, &acme.ada, &open).await, Some(DenialReason::OwnApprovalRequest));
        assert_eq!(approve(world, &acme.abe, &task).await.unwrap(), ApprovalState::Approved);
        assert_eq!(world.claim(&acme.rex).await.unwrap().lease.task, task.id);
    }

    /// With the setting, an admin could otherwise give themselves the role and approve at once.
    async fn d_04_only_approvers_decide_their_own_requests(world) {
        let acme = &world.acme;
        set_self_approval(world, true).await;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let approval = seen(world, &acme.mia, &task).await;
        let refused = acme.mia.may(decision(&approval, Answer::Approve)).unwrap_err();
        assert_eq!(refused.reason, DenialReason::ApproverOnly);
        let theirs = CreateOrganization { name: "theirs".into() };
        assert!(acme.mia.may(theirs).is_err());
    }
}

//! Own requests and decisions that stopped counting (D-04): who is behind a request, and who can decide it again.
use crate::{
    consent::set_role,
    passkey_approvals::{approve, demand, register, remove},
    raw::Raw,
    world::{World, decision, hash, holding, needs_approval, new_key, on_both, person},
};
use domain::{
    Actor, PersonId,
    approval::{Answer, ApprovalState, Requesters},
    policy::{
        CreateKey, CreateServiceAccount, Decide, DenialReason, SetMembership, SetSelfApproval, TransferServiceAccount,
    },
    role::Role,
    task::TaskState,
};
use std::time::Duration;
use store::{Approval, Conflict, Error, Submitted};

fn id(actor: &Actor) -> PersonId {
    actor.person().unwrap()
}

/// Creates a service account of the organization, and a key of it that another person created.
async fn robot(world: &World, responsible: &Actor, creator: &Actor) -> Actor {
    let (acme, adam) = (&world.acme, &world.acme.adam);
    let robot = CreateServiceAccount { name: "robot".into(), responsible: id(creator) };
    let account = world.change(adam, async |w| w.create_service_account(adam.may(robot)?).await).await.unwrap();
    let member = SetMembership { organization: acme.ops, person: account, role: Role::Member };
    world.change(adam, async |w| w.set_membership(adam.may(member)?).await).await.unwrap();
    let robot = person(&world.store, acme.tenant, account).await;
    let new = CreateKey { responsible: creator.person(), ..new_key(&robot, "key", "tasks:*") };
    let key =
        world.change(creator, async |w| w.create_key(creator.may(new)?, "mk_r", hash("robot")).await).await.unwrap();
    transfer(world, account, creator, responsible).await;
    holding(&robot, key, "tasks:*")
}

async fn transfer(world: &World, account: PersonId, from: &Actor, to: &Actor) {
    let adam = &world.acme.adam;
    let (responsible, successor) = (id(from), id(to));
    let transfer = TransferServiceAccount { account, responsible, successor, revoke: false };
    world.change(adam, async |w| w.transfer_service_account(adam.may(transfer)?).await).await.unwrap();
}

pub async fn allow_own(world: &World, allowed: bool) {
    let adam = &world.acme.adam;
    let set = SetSelfApproval { allowed };
    world.change(adam, async |w| w.set_self_approval(adam.may(set)?).await).await.unwrap();
}

/// Returns the approval request of a task as this actor sees it.
async fn seen(world: &World, actor: &Actor, task: &Submitted) -> Approval {
    world.store.read(actor).await.unwrap().approval_of(task.id).await.unwrap().unwrap()
}

async fn waiting(world: &World, actor: &Actor) -> i64 {
    let mut read = world.store.read(actor).await.unwrap();
    let (count, list) = (read.approvals_waiting_for_me().await.unwrap(), read.approvals_for_me(100).await.unwrap());
    assert_eq!(usize::try_from(count).unwrap(), list.len());
    count
}

on_both! {
    /// Otherwise a person could submit with the key of a service account, transfer the account, and approve.
    async fn d_04_people_who_were_behind_a_request_at_submission_do_not_decide_it(world) {
        let acme = &world.acme;
        set_role(world, &acme.mia, Role::Approver).await;
        let mia = world.again(&acme.mia).await;
        let robot = robot(world, &mia, &acme.ada).await;
        let task = world.submit(&robot, needs_approval(acme.ops)).await;
        transfer(world, id(&robot), &mia, &acme.olga).await;
        for (behind, conflict) in [
            (&mia, Conflict::DeciderIsResponsible),
            (&acme.olga, Conflict::DeciderIsResponsible),
            (&acme.ada, Conflict::DeciderCreatedKey),
        ] {
            let request = seen(world, behind, &task).await;
            assert!(request.requesters().includes(id(behind)), "{}", behind.name);
            assert_eq!(waiting(world, behind).await, 0, "{}", behind.name);
            let denied = behind.may(decision(&request, Answer::Approve)).unwrap_err();
            assert_eq!(denied.reason, DenialReason::ResponsibleForRequester, "{}", behind.name);
            // The transaction judges again, whatever the policy saw.
            let requesters = Requesters::only(id(&robot));
            let before = Decide { requesters, ..decision(&request, Answer::Approve) };
            let late = world.change(behind, async |w| w.decide(behind.may(before)?).await).await;
            assert!(matches!(late, Err(Error::Conflict(ref found)) if *found == conflict), "{}: {late:?}", behind.name);
        }
        assert_eq!(waiting(world, &acme.abe).await, 1);
        let request = seen(world, &acme.abe, &task).await;
        assert_eq!(world.decide(&acme.abe, &request, Answer::Approve).await.unwrap(), ApprovalState::Approved);
        let judgment = world.claim(&acme.rex).await.unwrap().consent.judgment.statement;
        assert_eq!((judgment.responsible, judgment.key_creator), (mia.person(), acme.ada.person()));
    }

    /// The approver becomes responsible after the approval.
    async fn d_04_an_approval_by_the_present_responsible_person_does_not_count_at_claim(world) {
        let acme = &world.acme;
        let robot = robot(world, &acme.olga, &acme.ada).await;
        let task = world.submit(&robot, needs_approval(acme.ops)).await;
        let request = seen(world, &acme.abe, &task).await;
        world.decide(&acme.abe, &request, Answer::Approve).await.unwrap();
        transfer(world, id(&robot), &acme.olga, &acme.abe).await;
        assert!(world.claim(&acme.rex).await.is_none());
        assert_eq!(world.state(acme, task.id).await, TaskState::AwaitingApproval);
        let decisions = world.store.read(&acme.abe).await.unwrap().decisions(task.id).await.unwrap();
        assert!(decisions[0].is_own && seen(world, &acme.abe, &task).await.given == 0);
    }

    async fn d_04_an_approval_whose_passkey_was_replaced_can_be_repeated(world) {
        let (acme, ada) = (&world.acme, &world.acme.ada);
        demand(world, 2, true).await;
        let (lost, lost_id) = register(world, ada).await;
        let (of_abe, _) = register(world, &acme.abe).await;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let request = seen(world, ada, &task).await;
        approve(world, ada, &request, &lost).await.unwrap();
        let again = approve(world, ada, &request, &lost).await;
        assert!(matches!(again, Err(Error::Conflict(Conflict::AlreadyDecided))), "{again:?}");
        assert_eq!((seen(world, ada, &task).await.has_decided, waiting(world, ada).await), (true, 0));

        remove(world, ada, lost_id).await;
        let (new, _) = register(world, ada).await;
        assert_eq!(approve(world, &acme.abe, &request, &of_abe).await.unwrap(), ApprovalState::Waiting);
        let (of_ada, of_abe) = (seen(world, ada, &task).await, seen(world, &acme.abe, &task).await);
        assert_eq!((of_ada.given, of_ada.has_decided, of_abe.has_decided), (1, false, true));
        assert_eq!((waiting(world, ada).await, waiting(world, &acme.abe).await), (1, 0));
        assert_eq!(approve(world, ada, &request, &new).await.unwrap(), ApprovalState::Approved);
        assert_eq!(seen(world, ada, &task).await.given, 2);
        assert_eq!(world.claim(&acme.rex).await.unwrap().consent.decisions.len(), 2);
    }

    async fn d_04_an_own_approval_is_not_given_while_the_tenant_does_not_allow_it(world) {
        let (acme, ada) = (&world.acme, &world.acme.ada);
        world.ask(acme, 2).await;
        allow_own(world, true).await;
        let task = world.submit(ada, needs_approval(acme.ops)).await;
        let request = seen(world, ada, &task).await;
        let decide = async |actor: &Actor| world.decide(actor, &request, Answer::Approve).await;
        decide(ada).await.unwrap();
        allow_own(world, false).await;
        let now = seen(world, ada, &task).await;
        assert_eq!((now.given, now.has_decided, waiting(world, ada).await), (0, false, 0));
        assert!(matches!(decide(ada).await, Err(Error::Conflict(Conflict::DeciderIsRequester))));
        assert_eq!(decide(&acme.abe).await.unwrap(), ApprovalState::Waiting);
        allow_own(world, true).await;
        assert_eq!(seen(world, ada, &task).await.given, 2);
        // It counts again, so that the next approval settles the request.
        assert!(matches!(decide(ada).await, Err(Error::Conflict(Conflict::AlreadyDecided))));
        assert_eq!(decide(&acme.olga).await.unwrap(), ApprovalState::Approved);
    }

    async fn d_04_an_approval_made_in_a_hold_can_be_repeated_after_it(world) {
        let (acme, ada) = (&world.acme, &world.acme.ada);
        world.ask(acme, 2).await;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let request = seen(world, ada, &task).await;
        world.decide(ada, &request, Answer::Approve).await.unwrap();
        let mut raw = Raw::of(world).await;
        let [tenant, held, maker] = [acme.tenant.0, id(ada).0, id(&acme.mia).0].map(|id| raw.id(id));
        let (now, hour) = (world.now(), Duration::from_hours(1));
        raw.run(&format!("insert into account_hold (tenant_id, person_id, maker_id, cause, created_at, expires_at)
            values ({tenant}, {held}, {maker}, 'role', {}, {})", now.0, now.after(hour).0)).await.unwrap();
        assert_eq!((seen(world, ada, &task).await.given, waiting(world, ada).await), (0, 0));
        let held = world.decide(ada, &request, Answer::Approve).await;
        assert!(matches!(held, Err(Error::Conflict(Conflict::DeciderOnHold))), "{held:?}");
        world.wait(hour);
        assert_eq!((seen(world, ada, &task).await.has_decided, waiting(world, ada).await), (false, 1));
        world.decide(ada, &request, Answer::Approve).await.unwrap();
        assert_eq!((seen(world, ada, &task).await.given, waiting(world, ada).await), (1, 0));
        assert_eq!(world.decide(&acme.abe, &request, Answer::Approve).await.unwrap(), ApprovalState::Approved);
        assert_eq!(world.claim(&acme.rex).await.unwrap().consent.decisions.len(), 2);
    }

    async fn d_04_holds_for_a_former_responsible_person_hold(world) {
        let acme = &world.acme;
        let robot = robot(world, &acme.olga, &acme.ada).await;
        set_role_by(world, &acme.olga, &acme.vera).await;
        let vera = world.again(&acme.vera).await;
        let task = world.submit(&robot, needs_approval(acme.ops)).await;
        transfer(world, id(&robot), &acme.olga, &acme.abe).await;
        let request = seen(world, &vera, &task).await;
        assert!(request.held_until.is_some() && waiting(world, &vera).await == 0);
        let held = world.decide(&vera, &request, Answer::Approve).await;
        assert!(matches!(held, Err(Error::Conflict(Conflict::DeciderOnHold))), "{held:?}");
    }
}

/// Makes a person an approver, which starts a hold for requests of `by`.
async fn set_role_by(world: &World, by: &Actor, who: &Actor) {
    let set = SetMembership { organization: world.acme.ops, person: id(who), role: Role::Approver };
    world.change(by, async |w| w.set_membership(by.may(set)?).await).await.unwrap();
}

//! Changes of rights, rules and keys during a claim (D-04): what is recorded first holds for it.
use crate::{
    consent::{approved, claim, last_reason, rule, set_role},
    own_requests::allow_own,
    passkey_approvals::{approve, demand, register},
    raw::Raw,
    world::{World, needs_approval, on_both},
};
use domain::{
    account::Factor,
    approval::{Answer, ApprovalState},
    policy::{
        ChangeRules, LiftHold, LockPerson, RemoveFactor, ResetFactors, RotateGrantKey, SetMembership, SetSelfApproval,
    },
    role::Role,
    rule::{Rules, Verdict},
    task::TaskState,
};
use std::time::Duration;
use store::{Settings, Store, Submitted, Write};
use testkit::{change, successor};

/// Runs a claim and commits a change that was made before it.
async fn claim_during(world: &World, change: Write) -> Option<store::Assignment> {
    let commit = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        change.commit().await.unwrap();
    };
    let (claimed, ()) = futures::join!(claim(world), commit);
    claimed
}

async fn nothing_starts_during(world: &World, change: Write) {
    let claimed = claim_during(world, change).await;
    assert!(claimed.is_none(), "{claimed:?}");
    // Where the claim did not wait for the change, the next one decides.
    assert!(claim(world).await.is_none());
}

/// The same for a change after which the only approval of a task no longer counts.
async fn is_opened_again_after(world: &World, task: &Submitted, change: Write) {
    nothing_starts_during(world, change).await;
    let reason = ("approval.reopen".to_owned(), "an_approval_no_longer_counts".to_owned());
    assert_eq!(last_reason(world, task).await, reason);
    assert_eq!(world.state(&world.acme, task.id).await, TaskState::AwaitingApproval);
}

on_both! {
    /// The claim reads rights and rules while they change, and the change is recorded first.
    async fn d_04_rights_and_rules_that_change_during_a_claim_hold_for_it(world) {
        let (acme, adam) = (&world.acme, &world.acme.adam);
        let first = approved(world, 1).await;
        let mut change = world.store.write(adam).await.unwrap();
        let demoted = SetMembership { organization: acme.ops, person: acme.ada.person().unwrap(), role: Role::Member };
        change.set_membership(adam.may(demoted).unwrap()).await.unwrap();
        nothing_starts_during(world, change).await;
        assert_eq!(last_reason(world, &first).await, ("approval.reopen".into(), "an_approval_no_longer_counts".into()));
        assert_eq!(world.state(acme, first.id).await, TaskState::AwaitingApproval);

        set_role(world, &acme.ada, Role::Approver).await;
        let second = approved(world, 2).await;
        let version = world.store.read(adam).await.unwrap().rules().await.unwrap().version;
        let refuse = ChangeRules { rules: Rules::new(vec![rule(vec![], Verdict::Refuse)]).unwrap(), version };
        let mut change = world.store.write(adam).await.unwrap();
        change.change_rules(adam.may(refuse).unwrap()).await.unwrap();
        nothing_starts_during(world, change).await;
        assert_eq!(world.state(acme, second.id).await, TaskState::Denied);
        assert_eq!(last_reason(world, &second).await, ("task.deny".into(), "the_rules_changed".into()));
    }

    /// Changes that do not concern the task do not keep it from starting.
    async fn d_04_other_changes_during_a_claim_do_not_hold_it(world) {
        let (acme, adam) = (&world.acme, &world.acme.adam);
        let task = approved(world, 1).await;
        let mut change = world.store.write(adam).await.unwrap();
        let promoted = SetMembership { organization: acme.ops, person: acme.vera.person().unwrap(), role: Role::Member };
        change.set_membership(adam.may(promoted).unwrap()).await.unwrap();
        let commit = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            change.commit().await.unwrap();
        };
        let (claimed, ()) = futures::join!(world.claim(&acme.rex), commit);
        let claimed = claimed.unwrap();
        assert_eq!((claimed.lease.task, claimed.lease.attempt, claimed.consent.decisions.len()), (task.id, 1, 1));
        assert_eq!(world.state(acme, task.id).await, TaskState::Assigned);
    }

    async fn d_04_an_approver_who_is_locked_during_a_claim_does_not_count(world) {
        let (adam, ada) = (&world.acme.adam, world.acme.ada.person().unwrap());
        let task = approved(world, 1).await;
        let mut change = world.store.write(adam).await.unwrap();
        change.lock_person(adam.may(LockPerson { person: ada }).unwrap()).await.unwrap();
        is_opened_again_after(world, &task, change).await;
    }

    async fn d_04_an_own_decision_does_not_count_if_the_setting_ends_during_a_claim(world) {
        let (adam, ada, ops) = (&world.acme.adam, &world.acme.ada, world.acme.ops);
        allow_own(world, true).await;
        let task = world.submit(ada, needs_approval(ops)).await;
        let request = world.store.read(ada).await.unwrap().approval_of(task.id).await.unwrap().unwrap();
        assert_eq!(world.decide(ada, &request, Answer::Approve).await.unwrap(), ApprovalState::Approved);
        let mut change = world.store.write(adam).await.unwrap();
        change.set_self_approval(adam.may(SetSelfApproval { allowed: false }).unwrap()).await.unwrap();
        is_opened_again_after(world, &task, change).await;
    }

    async fn x19_an_approval_does_not_count_if_its_passkey_goes_during_a_claim(world) {
        let (acme, adam, ada) = (&world.acme, &world.acme.adam, &world.acme.ada);
        let person = ada.person().unwrap();
        demand(world, 1, true).await;
        for reset in [false, true] {
            let (device, passkey) = register(world, ada).await;
            let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
            let request = world.approval_request(&task).await;
            assert_eq!(approve(world, ada, &request, &device).await.unwrap(), ApprovalState::Approved);
            let change = match reset {
                true => {
                    let mut change = world.store.write(adam).await.unwrap();
                    change.reset_factors(adam.may(ResetFactors { person }).unwrap()).await.unwrap();
                    change
                }
                false => {
                    let mut change = world.store.write(ada).await.unwrap();
                    let action = RemoveFactor { owner: person, factor: Factor::Passkey };
                    change.remove_passkey(ada.may(action).unwrap(), passkey, None).await.unwrap();
                    change
                }
            };
            is_opened_again_after(world, &task, change).await;
        }
    }

    /// A hold covers decisions from its beginning.
    async fn d_04_an_approval_does_not_count_if_its_hold_begins_during_a_claim(world) {
        let (acme, ada) = (&world.acme, &world.acme.ada);
        let task = approved(world, 1).await;
        set_role(world, &acme.adam, Role::Member).await;
        let adam = world.again(&acme.adam).await;
        let of_adam = world.submit(&adam, needs_approval(acme.ops)).await;
        world.decide(ada, &world.approval_request(&of_adam).await, Answer::Approve).await.unwrap();
        let mut change = world.store.write(&adam).await.unwrap();
        change.reset_factors(adam.may(ResetFactors { person: ada.person().unwrap() }).unwrap()).await.unwrap();
        // The approval of another requester's task counts.
        let first = claim_during(world, change).await;
        let second = claim(world).await;
        let started: Vec<_> = first.into_iter().chain(second).map(|taken| taken.lease.task).collect();
        assert_eq!(started, [task.id]);
        assert_eq!(world.state(acme, of_adam.id).await, TaskState::AwaitingApproval);
    }

    /// An approval that was made in a hold can be repeated after it.
    async fn d_04_an_approval_made_in_a_hold_does_not_count_if_it_is_lifted_during_a_claim(world) {
        let (acme, adam, ada) = (&world.acme, &world.acme.adam, &world.acme.ada);
        let task = approved(world, 1).await;
        let mut raw = Raw::of(world).await;
        let [tenant, held, maker] = [acme.tenant.0, ada.person().unwrap().0, acme.mia.person().unwrap().0].map(|id| raw.id(id));
        let (now, end) = (world.now(), world.now().after(Duration::from_hours(1)));
        raw.run(&format!("insert into account_hold (tenant_id, person_id, maker_id, cause, created_at, expires_at)
            values ({tenant}, {held}, {maker}, 'role', {}, {})", now.0, end.0)).await.unwrap();
        world.wait(Duration::from_secs(1));
        let lift = LiftHold { person: ada.person().unwrap(), maker: acme.mia.person().unwrap() };
        let mut change = world.store.write(adam).await.unwrap();
        change.lift_hold(adam.may(lift).unwrap()).await.unwrap();
        is_opened_again_after(world, &task, change).await;
        let again = world.decide(ada, &world.approval_request(&task).await, Answer::Approve).await;
        assert_eq!(again.unwrap(), ApprovalState::Approved);
        assert_eq!(claim(world).await.unwrap().lease.task, task.id);
    }

    async fn x1_nothing_starts_with_a_key_that_is_replaced_during_a_claim(world) {
        let (acme, console) = (&world.acme, &world.acme.console);
        let task = approved(world, 1).await;
        let settings = Settings { signer: successor(2, &[1]), ..world.settings([7; 32]) };
        let store = Store::open(settings).await.unwrap();
        let mut rotation = store.write(console).await.unwrap();
        let proof = console.may(RotateGrantKey { key: [2; 32] }).unwrap();
        assert_eq!(rotation.sign_again(proof).await.unwrap(), Some(3), "the rules, a judgment and a decision");
        nothing_starts_during(world, rotation).await;
        assert_eq!(world.state(acme, task.id).await, TaskState::Queued);
        let claimed = change(&store, &acme.rex, async |write| write.claim_tasks(&["bash".into()], 5).await).await.unwrap();
        assert_eq!(claimed.iter().map(|taken| taken.lease.task).collect::<Vec<_>>(), [task.id]);
        store.close().await;
    }
}

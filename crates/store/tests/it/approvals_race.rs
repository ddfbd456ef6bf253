//! Concurrent decisions on one approval request by people, expiry and nodes (D-04, D-12): exactly one of them takes effect.
use crate::{
    consent::set_role,
    world::{World, decision, needs_approval, on_both, sealed},
};
use domain::{
    approval::{Answer, ApprovalState},
    policy::CancelTask,
    role::Role,
    task::TaskState,
};
use futures::{future::join_all, join};
use std::time::Duration;
use store::{Approval, Assignment, Error, Submitted, Write};

async fn answers(world: &World, task: &Submitted) -> usize {
    world.store.read(&world.acme.console).await.unwrap().decisions(task.id).await.unwrap().len()
}

on_both! {
    async fn d_04_exactly_one_of_concurrent_approve_and_deny_wins_two_hundred_times(world) {
        let acme = &world.acme;
        for round in 0..200 {
            let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
            let approval = world.approval_request(&task).await;
            let before = world.records(acme).await;
            let (first, second) = if round % 2 == 0 { (&acme.ada, &acme.abe) } else { (&acme.abe, &acme.ada) };
            let (yes, no) = join!(
                world.decide(first, &approval, Answer::Approve),
                world.decide(second, &approval, Answer::Deny),
            );
            let state = world.state(acme, task.id).await;
            match (&yes, &no) {
                (Ok(ApprovalState::Approved), Err(Error::Conflict(_))) => assert_eq!(state, TaskState::Queued),
                (Err(Error::Conflict(_)), Ok(ApprovalState::Denied)) => assert_eq!(state, TaskState::Denied),
                other => panic!("round {round}: {other:?}"),
            }
            assert_eq!(answers(world, &task).await, 1);
            assert_eq!(world.records(acme).await, before + 1, "round {round}");
            assert_eq!(world.history(acme, task.id).await, ["task.submit", "approval.decide"]);
        }
    }

    async fn d_04_two_concurrent_approvals_are_both_counted(world) {
        let acme = &world.acme;
        world.ask(acme, 2).await;
        for _ in 0..30 {
            let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
            let approval = world.approval_request(&task).await;
            let (one, two) = join!(
                world.decide(&acme.ada, &approval, Answer::Approve),
                world.decide(&acme.abe, &approval, Answer::Approve),
            );
            let mut states = [one.unwrap(), two.unwrap()];
            states.sort();
            assert_eq!(states, [ApprovalState::Waiting, ApprovalState::Approved]);
            assert_eq!(world.state(acme, task.id).await, TaskState::Queued);
        }
    }

    async fn d_04_one_person_in_two_browsers_decides_only_once(world) {
        let acme = &world.acme;
        world.ask(acme, 2).await;
        for _ in 0..30 {
            let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
            let approval = world.approval_request(&task).await;
            let both = join!(
                world.decide(&acme.ada, &approval, Answer::Approve),
                world.decide(&acme.ada, &approval, Answer::Approve),
            );
            assert!(matches!(both, (Ok(_), Err(Error::Conflict(_))) | (Err(Error::Conflict(_)), Ok(_))), "{both:?}");
            assert_eq!(world.approval_request(&task).await.given, 1);
            assert_eq!(world.state(acme, task.id).await, TaskState::AwaitingApproval);
        }
    }

    /// If a request expires while an approval is being written, the transaction that has the row lock wins.
    async fn d_04_only_one_of_concurrent_expiry_and_approval_takes_effect(world) {
        let acme = &world.acme;
        for _ in 0..10 {
            let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
            let approval = world.approval_request(&task).await;
            let mut write = world.store.write(&acme.ada).await.unwrap();
            let decide = acme.ada.may(decision(&approval, Answer::Approve)).unwrap();
            write.decide(decide).await.unwrap();
            world.wait(Duration::from_hours(25));
            let system = world.store.system();
            let (clock, ()) = join!(system.run_due_work(), async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                write.commit().await.unwrap();
            });
            clock.unwrap();
            assert_eq!(world.state(acme, task.id).await, TaskState::Queued);
            assert_eq!(world.history(acme, task.id).await, ["task.submit", "approval.decide"]);
        }
    }

    async fn d_12_several_nodes_expire_each_approval_request_once(world) {
        let acme = &world.acme;
        let mut tasks = vec![];
        for _ in 0..20 {
            tasks.push(world.submit(&acme.mia, needs_approval(acme.ops)).await);
        }
        let other = world.another_node().await;
        world.wait(Duration::from_hours(25));
        let stores = [&world.store, &other, &world.store, &other];
        for result in join_all(stores.map(|store| async { store.system().run_due_work().await })).await {
            result.unwrap();
        }
        for task in tasks {
            assert_eq!(world.state(acme, task.id).await, TaskState::Expired);
            assert_eq!(world.history(acme, task.id).await, ["task.submit", "approval.expire"]);
        }
        other.close().await;
    }

    async fn d_04_canceling_and_approving_concurrently_never_deadlock(world) {
        let acme = &world.acme;
        for round in 0..60 {
            let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
            let approval = world.approval_request(&task).await;
            let cancel = CancelTask { task: task.id, owner: acme.mia.person().unwrap(), organization: acme.ops };
            let (cancelled, decided) = join!(
                world.change(&acme.mia, async |write| write.cancel_task(acme.mia.may(cancel)?).await),
                world.decide(&acme.ada, &approval, Answer::Approve),
            );
            cancelled.unwrap();
            assert!(matches!(decided, Ok(_) | Err(Error::Conflict(_))), "round {round}: {decided:?}");
            assert_eq!(world.state(acme, task.id).await, TaskState::Cancelled);
        }
    }

    /// A decision and a cancellation lock the approval request before the task, also if a claim is about to open it again.
    async fn d_04_canceling_and_deciding_during_a_claim_that_reopens_the_request_never_deadlock(world) {
        let acme = &world.acme;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let approval = world.approval_request(&task).await;
        world.decide(&acme.ada, &approval, Answer::Approve).await.unwrap();
        set_role(world, &acme.ada, Role::Member).await;
        let mut claim = world.store.write(&acme.rex).await.unwrap();
        assert!(claim.claim_tasks(&["bash".into()], 1).await.unwrap().is_empty());
        let commit = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            claim.commit().await.unwrap();
        };
        let cancel = CancelTask { task: task.id, owner: acme.mia.person().unwrap(), organization: acme.ops };
        let (cancelled, decided, ()) = join!(
            world.change(&acme.mia, async |write| write.cancel_task(acme.mia.may(cancel)?).await),
            world.decide(&acme.abe, &approval, Answer::Approve),
            commit,
        );
        cancelled.unwrap();
        assert!(matches!(decided, Ok(_) | Err(Error::Conflict(_))), "{decided:?}");
        assert_eq!(world.state(acme, task.id).await, TaskState::Cancelled);
    }
}

/// Locks that only PostgreSQL has: SQLite has a single writer.
mod on_postgres {
    use super::*;
    use crate::raw::Raw;

    /// Returns a transaction that holds an approval request.
    async fn hold(world: &World, approval: &Approval) -> Write {
        let mut holder = world.store.write(&world.acme.abe).await.unwrap();
        let decide = world.acme.abe.may(decision(approval, Answer::Approve)).unwrap();
        let refused = holder.decide(decide).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
        holder
    }

    async fn approved(world: &World) -> (Submitted, Approval) {
        let task = world.submit(&world.acme.mia, needs_approval(world.acme.ops)).await;
        let approval = world.approval_request(&task).await;
        world.decide(&world.acme.ada, &approval, Answer::Approve).await.unwrap();
        (task, approval)
    }

    /// Claims up to two tasks without waiting for a lock.
    async fn claim_two(world: &World) -> Vec<Assignment> {
        let claim = world.change(&world.acme.rex, async |write| write.claim_tasks(&["bash".into()], 2).await);
        tokio::time::timeout(Duration::from_secs(5), claim).await.expect("the claim does not wait").unwrap()
    }

    /// A claim locks tasks first, so it does not wait for an approval request that another transaction holds.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn d_04_a_claim_does_not_wait_for_an_approval_request_that_is_held() {
        let world = World::postgres().await;
        let (task, approval) = approved(&world).await;
        set_role(&world, &world.acme.ada, Role::Member).await;
        let holder = hold(&world, &approval).await;
        assert!(claim_two(&world).await.is_empty());
        assert_eq!(world.state(&world.acme, task.id).await, TaskState::Queued);
        drop(holder);
        world.rolled_back().await;
        assert!(claim_two(&world).await.is_empty());
        assert_eq!(world.state(&world.acme, task.id).await, TaskState::AwaitingApproval);
        world.end().await;
    }

    /// Of the first two tasks, one returns to the queue and the other one fails; the third one starts.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn s_09_a_claim_continues_in_any_order_of_tasks_that_do_not_start() {
        for held_first in [true, false] {
            let world = World::postgres().await;
            let (first, second) = (approved(&world).await, approved(&world).await);
            let ((held, approval), (changed, _)) = if held_first { (first, second) } else { (second, first) };
            set_role(&world, &world.acme.ada, Role::Member).await;
            let free = world.submit(&world.acme.mia, sealed(world.acme.ops)).await;
            let mut raw = Raw::of(&world).await;
            let id = raw.id(changed.id.0);
            raw.run(&format!("update task set script = 'true' where id = {id}")).await.unwrap();
            let holder = hold(&world, &approval).await;
            let started: Vec<_> = claim_two(&world).await.into_iter().map(|taken| taken.lease.task).collect();
            assert_eq!(started, [free.id], "{held_first}");
            assert_eq!(world.state(&world.acme, changed.id).await, TaskState::Failed);
            assert_eq!(world.state(&world.acme, held.id).await, TaskState::Queued);
            drop(holder);
            world.end().await;
        }
    }
}

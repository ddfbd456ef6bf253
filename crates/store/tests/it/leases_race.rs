//! Concurrent claims by many runners and nodes (D-12, S-09): no task is claimed twice or forgotten.
use crate::world::{change, lease, on_both, receipt, sealed};
use domain::{policy::RevokeRunner, receipt::End, task::TaskState};
use futures::{future::join_all, join};
use std::{collections::BTreeSet, time::Duration};
use store::{Error, TaskFilter};

on_both! {
    async fn eight_runners_on_two_nodes_claim_each_of_three_hundred_tasks_once(world) {
        let acme = &world.acme;
        for _ in 0..300 {
            world.submit(&acme.mia, sealed(acme.ops)).await;
        }
        let other = world.another_node().await;
        let mut runners = vec![];
        for number in 0..8 {
            runners.push((world.runner(acme, &format!("runner-{number}")).await, if number % 2 == 0 { &world.store } else { &other }));
        }
        let taken = join_all(runners.iter().enumerate().map(|(number, (runner, store))| async move {
            let (mut taken, most) = (vec![], number % 4 + 1);
            loop {
                let some = change(store, runner, async |write| write.claim_tasks(&["bash".into()], most).await).await.unwrap();
                assert!(some.len() <= most, "{} for {most}", some.len());
                if some.is_empty() {
                    return taken;
                }
                taken.extend(some.into_iter().map(|one| one.lease.task));
            }
        }))
        .await;
        let all: Vec<_> = taken.iter().flatten().collect();
        assert_eq!(all.len(), 300);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 300, "one was taken twice");
        let queued = TaskFilter { states: vec![TaskState::Queued], ..TaskFilter::default() };
        assert!(world.store.read(&acme.mia).await.unwrap().tasks(&queued, None, 1).await.unwrap().items.is_empty());
        other.close().await;
    }

    async fn d_12_several_nodes_release_each_expired_lease_once(world) {
        let acme = &world.acme;
        for _ in 0..20 {
            world.submit(&acme.mia, sealed(acme.ops)).await;
            world.claim(&acme.rex).await.unwrap();
        }
        let other = world.another_node().await;
        world.wait(Duration::from_secs(31));
        let stores = [&world.store, &other, &world.store, &other];
        for result in join_all(stores.map(|store| async { store.system().run_due_work().await })).await {
            result.unwrap();
        }
        let mut read = world.store.read(&acme.console).await.unwrap();
        for row in read.tasks(&TaskFilter::default(), None, 50).await.unwrap().items {
            assert_eq!(row.state, TaskState::Queued);
            let history = read.task_history(row.id).await.unwrap();
            assert_eq!(history.iter().filter(|record| record.action == "task.release").count(), 1);
        }
        drop(read);
        other.close().await;
    }

    /// If the lease expires while the receipt is being sent, the receipt is either accepted or rejected, never both.
    async fn only_one_of_concurrent_receipt_and_lease_expiry_takes_effect(world) {
        let acme = &world.acme;
        for _ in 0..30 {
            let made = world.submit(&acme.mia, sealed(acme.ops)).await;
            let taken = world.claim(&acme.rex).await.unwrap();
            let receipt = receipt(&acme.rex, &taken, End::Exited(0), "");
            world.wait(Duration::from_secs(31));
            let system = world.store.system();
            let (finished, due) = join!(
                world.change(&acme.rex, async |write| write.finish_task(lease(&taken), &receipt, vec![]).await),
                system.run_due_work(),
            );
            due.unwrap();
            let state = world.state(acme, made.id).await;
            match finished {
                Ok(TaskState::Succeeded) => assert_eq!(state, TaskState::Succeeded),
                Err(Error::NotFound) => assert_eq!(state, TaskState::Queued),
                other => panic!("{other:?}"),
            }
            if state == TaskState::Queued {
                let again = world.claim(&acme.rex).await.unwrap();
                world.finish(&acme.rex, &again, End::Exited(0)).await.unwrap();
            }
        }
    }

    /// A claim in progress when its runner is revoked leaves the runner without a task (S-13).
    async fn s_13_a_runner_revoked_during_a_claim_keeps_no_task(world) {
        let acme = &world.acme;
        for round in 0..20 {
            let made = world.submit(&acme.mia, sealed(acme.ops)).await;
            let max = world.runner(acme, &format!("max-{round}")).await;
            let domain::Principal::Runner(runner) = max.principal else { unreachable!() };
            let (taken, revoked) = join!(
                world.change(&max, async |write| write.claim_tasks(&["bash".into()], 1).await),
                world.change(&acme.adam, async |write| write.revoke_runner(acme.adam.may(RevokeRunner { runner })?).await),
            );
            revoked.unwrap();
            let first = !taken.unwrap().is_empty();
            let left = if first { TaskState::Cancelled } else { TaskState::Queued };
            assert_eq!(world.state(acme, made.id).await, left, "round {round}");
            if !first {
                let next = world.claim(&acme.rex).await.unwrap();
                world.finish(&acme.rex, &next, End::Exited(0)).await.unwrap();
            }
        }
    }
}

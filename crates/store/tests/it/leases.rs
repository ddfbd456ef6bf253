//! Leases (S-09): a runner holds a task as long as it sends heartbeats. Messages of a stale runner are rejected, and no
//! task is lost.
use crate::world::{TenantFixture, World, lease, needs_approval, on_both, receipt, sealed, task};
use domain::{
    Actor,
    approval::Answer,
    log::{Line, Stream},
    policy::{CancelTask, RevokeRunner},
    receipt::End,
    task::{MAX_ATTEMPTS, TaskState},
};
use serde_json::json;
use std::time::Duration;
use store::{Assignment, Error, Lease, Result};

const LEASE: Duration = Duration::from_secs(30);

async fn running(world: &World, fixture: &TenantFixture) -> Assignment {
    world.submit(&fixture.mia, sealed(fixture.ops)).await;
    let taken = world.claim(&fixture.rex).await.unwrap();
    world.start(&fixture.rex, lease(&taken)).await;
    taken
}

async fn cancel(world: &World, fixture: &TenantFixture, taken: &Assignment) -> TaskState {
    let cancel = CancelTask { task: taken.lease.task, owner: fixture.mia.person().unwrap(), organization: fixture.ops };
    world.change(&fixture.mia, async |write| write.cancel_task(fixture.mia.may(cancel)?).await).await.unwrap()
}

async fn due(world: &World) {
    world.store.system().run_due_work().await.unwrap();
}

/// Sends every message about a lease and returns the results.
async fn every_word(world: &World, runner: &Actor, taken: &Assignment) -> Vec<(&'static str, Result<()>)> {
    let said = lease(taken);
    let line = [Line::new(world.now(), Stream::Stdout, "stale")];
    let renewed = world.change(runner, async |write| write.renew_leases(&[said]).await).await;
    vec![
        ("append", world.change(runner, async |write| write.append_lines(said, 1, &line).await).await.map(drop)),
        ("start", world.change(runner, async |write| write.start_task(said).await.map(drop)).await),
        ("finish", world.finish(runner, taken, End::Exited(0)).await.map(drop)),
        ("refuse", world.change(runner, async |write| write.refuse_task(said, "late").await).await),
        ("give back", world.change(runner, async |write| write.release_task(said, "late").await).await),
        ("renew", if renewed.unwrap() == [said] { Err(Error::NotFound) } else { Ok(()) }),
    ]
}

async fn refuses(world: &World, runner: &Actor, taken: &Assignment) {
    for (word, result) in every_word(world, runner, taken).await {
        assert!(matches!(result, Err(Error::NotFound)), "{word}: {result:?}");
    }
}

on_both! {
    async fn a_task_runs_from_claim_to_receipt(world) {
        let acme = &world.acme;
        let made = world.submit(&acme.mia, sealed(acme.ops)).await;
        let taken = world.claim(&acme.rex).await.unwrap();
        assert_eq!((taken.lease.task, taken.lease.attempt, taken.lease_until), (made.id, 1, world.now().after(LEASE)));
        assert_eq!((taken.request_digest, taken.script.as_str()), (made.request_digest, "echo hi"));
        assert!(taken.consent.decisions.is_empty());
        assert_eq!(world.state(acme, made.id).await, TaskState::Assigned);
        world.start(&acme.rex, lease(&taken)).await;
        world.start(&acme.rex, lease(&taken)).await; // repeating it is no error
        assert_eq!(world.state(acme, made.id).await, TaskState::Running);
        assert_eq!(world.finish(&acme.rex, &taken, End::Exited(0)).await.unwrap(), TaskState::Succeeded);
        let task = world.store.read(&acme.mia).await.unwrap().task(made.id).await.unwrap();
        assert_eq!((task.end(), task.lease_until), (Some(End::Exited(0)), None));
        assert_eq!(task.read_receipt(), Some(receipt(&acme.rex, &taken, End::Exited(0), "")));
        let domain::Principal::Runner(rex) = acme.rex.principal else { unreachable!() };
        assert_eq!((task.receipt_signature, task.runner, task.runner_key), (Some(vec![1]), Some("rex".into()), Some(rex.0.as_bytes().to_vec())));
        assert_eq!(world.history(acme, made.id).await, ["task.submit", "task.assign", "task.start", "task.finish"]);
    }

    async fn the_receipt_decides_the_final_state(world) {
        let acme = &world.acme;
        for (end, state) in [
            (End::Exited(0), TaskState::Succeeded),
            (End::Exited(3), TaskState::Failed),
            (End::Signaled(9), TaskState::Failed),
            (End::OutOfMemory, TaskState::Failed),
            (End::TimedOut, TaskState::TimedOut),
            (End::Cancelled, TaskState::Cancelled),
            (End::NotStarted("no bubblewrap".into()), TaskState::Failed),
        ] {
            let taken = running(world, acme).await;
            assert_eq!(world.finish(&acme.rex, &taken, end.clone()).await.unwrap(), state, "{end:?}");
            assert_eq!(world.state(acme, taken.lease.task).await, state);
        }
    }

    /// If the start message was lost, the receipt implies it: no state is skipped.
    async fn finishing_an_unstarted_task_records_start_and_end(world) {
        let acme = &world.acme;
        world.submit(&acme.mia, sealed(acme.ops)).await;
        let taken = world.claim(&acme.rex).await.unwrap();
        world.finish(&acme.rex, &taken, End::Exited(0)).await.unwrap();
        assert_eq!(world.history(acme, taken.lease.task).await, ["task.submit", "task.assign", "task.start", "task.finish"]);
    }

    async fn urgent_tasks_are_claimed_first_then_the_oldest(world) {
        let acme = &world.acme;
        for (title, priority) in [("a", "low"), ("b", "normal"), ("c", "high"), ("d", "normal"), ("e", "high")] {
            world.submit(&acme.mia, task(acme.ops, json!({ "title": title, "priority": priority }))).await;
        }
        let mut order = String::new();
        while let Some(taken) = world.claim(&acme.rex).await {
            let row = world.store.read(&acme.mia).await.unwrap().task(taken.lease.task).await.unwrap();
            order.push_str(&row.title);
        }
        assert_eq!(order, "cebda");
    }

    async fn a_runner_claims_only_supported_tasks_of_its_tenant(world) {
        let acme = &world.acme;
        world.submit(&acme.mia, sealed(acme.ops)).await;
        let taken = world.change(&acme.rex, async |write| write.claim_tasks(&["kubectl".into()], 1).await).await.unwrap().pop();
        assert!(taken.is_none());
        assert!(world.claim(&world.bolt.rex).await.is_none());
        assert!(world.claim(&acme.rex).await.is_some());
    }

    async fn d_04_a_task_that_waits_for_approval_is_not_claimed(world) {
        let acme = &world.acme;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        assert!(world.claim(&acme.rex).await.is_none());
        let approval = world.approval_request(&task).await;
        world.decide(&acme.ada, &approval, Answer::Approve).await.unwrap();
        assert!(world.claim(&acme.rex).await.is_some());
    }

    async fn s_09_an_expired_lease_is_released_and_lost_after_the_last_attempt(world) {
        let acme = &world.acme;
        let made = world.submit(&acme.mia, sealed(acme.ops)).await;
        for attempt in 1..=MAX_ATTEMPTS {
            let taken = world.claim(&acme.rex).await.unwrap();
            assert_eq!(taken.lease.attempt, attempt);
            world.start(&acme.rex, lease(&taken)).await;
            assert_eq!(world.store.system().next_due().await.unwrap(), Some(world.now().after(LEASE)));
            world.wait(LEASE - Duration::from_micros(1));
            due(world).await;
            assert_eq!(world.state(acme, made.id).await, TaskState::Running);
            world.wait(Duration::from_micros(1));
            due(world).await;
            let then = if attempt < MAX_ATTEMPTS { TaskState::Queued } else { TaskState::Lost };
            assert_eq!(world.state(acme, made.id).await, then);
            refuses(world, &acme.rex, &taken).await;
        }
        assert!(world.claim(&acme.rex).await.is_none());
        let task = world.store.read(&acme.mia).await.unwrap().task(made.id).await.unwrap();
        assert_eq!(task.ended_at, Some(world.now()));
        assert_eq!(world.history(acme, made.id).await.iter().filter(|action| *action == "task.release").count(), 3);
    }

    /// The fencing token: the previous runner cannot act on the current attempt.
    async fn a_stale_runner_cannot_act_on_the_next_attempt(world) {
        let acme = &world.acme;
        let max = world.runner(acme, "max").await;
        let stale = running(world, acme).await;
        world.wait(LEASE);
        due(world).await;
        let fresh = world.claim(&max).await.unwrap();
        assert_eq!((fresh.lease.task, fresh.lease.attempt), (stale.lease.task, 2));
        refuses(world, &acme.rex, &stale).await;
        let guessed = Assignment { lease: Lease { attempt: 2, ..stale.lease }, ..stale.clone() };
        refuses(world, &acme.rex, &guessed).await;
        refuses(world, &max, &stale).await;
        assert_eq!(world.state(acme, fresh.lease.task).await, TaskState::Assigned);
        world.start(&max, lease(&fresh)).await;
        world.finish(&max, &fresh, End::Exited(0)).await.unwrap();
    }

    async fn a_runner_cannot_act_on_another_runners_task(world) {
        let acme = &world.acme;
        let max = world.runner(acme, "max").await;
        let taken = running(world, acme).await;
        refuses(world, &max, &taken).await;
        refuses(world, &world.bolt.rex, &taken).await;
        let result = world.change(&acme.mia, async |write| write.start_task(lease(&taken)).await).await;
        assert!(matches!(result, Err(Error::NotFound)), "nor can a person");
    }

    async fn renewing_keeps_a_lease_and_reports_lost_ones(world) {
        let acme = &world.acme;
        let kept = running(world, acme).await;
        world.wait(LEASE - Duration::from_secs(1));
        let gone = Lease { task: kept.lease.task, attempt: 7 };
        let lost = world.change(&acme.rex, async |write| write.renew_leases(&[lease(&kept), gone]).await).await.unwrap();
        assert_eq!(lost, [gone]);
        world.wait(LEASE - Duration::from_secs(1));
        due(world).await;
        assert_eq!(world.state(acme, kept.lease.task).await, TaskState::Running);
    }

    async fn tasks_missing_from_a_restarted_runner_are_released_immediately(world) {
        let acme = &world.acme;
        let kept = running(world, acme).await;
        let gone = running(world, acme).await;
        let released = world.change(&acme.rex, async |write| write.release_unlisted_leases(&[lease(&kept)]).await).await.unwrap();
        assert_eq!(released, 1);
        assert_eq!(world.state(acme, kept.lease.task).await, TaskState::Running);
        assert_eq!(world.state(acme, gone.lease.task).await, TaskState::Queued);
        let held = world.store.read(&acme.rex).await.unwrap().leased_tasks().await.unwrap();
        assert_eq!(held.iter().map(|task| task.lease()).collect::<Vec<_>>(), [lease(&kept)]);
    }

    async fn a_running_task_is_cancelled_through_its_runner(world) {
        let acme = &world.acme;
        let taken = running(world, acme).await;
        assert_eq!(cancel(world, acme, &taken).await, TaskState::Running);
        let held = world.store.read(&acme.rex).await.unwrap().leased_tasks().await.unwrap();
        assert!(held[0].cancel_requested);
        world.finish(&acme.rex, &taken, End::Cancelled).await.unwrap();
        assert_eq!(world.state(acme, taken.lease.task).await, TaskState::Cancelled);
    }

    async fn a_task_cancelled_while_assigned_does_not_run_again(world) {
        let acme = &world.acme;
        world.submit(&acme.mia, sealed(acme.ops)).await;
        let taken = world.claim(&acme.rex).await.unwrap();
        assert_eq!(cancel(world, acme, &taken).await, TaskState::Assigned);
        world.wait(LEASE);
        due(world).await;
        assert_eq!(world.state(acme, taken.lease.task).await, TaskState::Cancelled);
        assert!(world.claim(&acme.rex).await.is_none());
    }

    async fn repeating_a_receipt_is_accepted_and_a_different_one_is_rejected(world) {
        let acme = &world.acme;
        let taken = running(world, acme).await;
        assert_eq!(world.finish(&acme.rex, &taken, End::Exited(0)).await.unwrap(), TaskState::Succeeded);
        let records = world.records(acme).await;
        assert_eq!(world.finish(&acme.rex, &taken, End::Exited(0)).await.unwrap(), TaskState::Succeeded);
        assert_eq!(world.records(acme).await, records);
        let other = world.finish(&acme.rex, &taken, End::Exited(1)).await;
        assert!(matches!(other, Err(Error::NotFound)), "{other:?}");
        assert_eq!(world.state(acme, taken.lease.task).await, TaskState::Succeeded);
    }

    async fn s_14_a_receipt_for_another_run_is_refused(world) {
        let acme = &world.acme;
        let taken = running(world, acme).await;
        let right = receipt(&acme.rex, &taken, End::Exited(0), "");
        let domain::Principal::Runner(other) = world.bolt.rex.principal else { unreachable!() };
        for wrong in [
            domain::receipt::Receipt { tenant: world.bolt.tenant, ..right.clone() },
            domain::receipt::Receipt { task: domain::TaskId(uuid::Uuid::nil()), ..right.clone() },
            domain::receipt::Receipt { attempt: 2, ..right.clone() },
            domain::receipt::Receipt { runner: other, ..right.clone() },
            domain::receipt::Receipt { request: domain::request::RequestDigest([0; 32]), ..right.clone() },
        ] {
            let result = world.change(&acme.rex, async |write| write.finish_task(lease(&taken), &wrong, vec![]).await).await;
            assert!(matches!(result, Err(Error::Invalid(_))), "{wrong:?}: {result:?}");
        }
        assert_eq!(world.state(acme, taken.lease.task).await, TaskState::Running);
    }

    /// Only the released task: others that were assigned in the meantime remain.
    async fn a_task_released_for_lack_of_room_is_retried_and_finally_fails_with_the_reason(world) {
        let acme = &world.acme;
        let kept = running(world, acme).await;
        let refused = world.submit(&acme.mia, sealed(acme.ops)).await.id;
        for attempt in 1..=domain::task::MAX_ATTEMPTS {
            assert_eq!(world.state(acme, refused).await, TaskState::Queued, "{attempt}");
            let taken = world.claim(&acme.rex).await.unwrap();
            assert_eq!(lease(&taken), Lease { task: refused, attempt });
            world.change(&acme.rex, async |write| write.release_task(lease(&taken), "no\u{1b}room").await).await.unwrap();
        }
        let task = world.store.read(&acme.mia).await.unwrap().task(refused).await.unwrap();
        assert_eq!((task.state, task.end()), (TaskState::Failed, Some(End::NotStarted("noroom".into()))));
        assert_eq!(world.state(acme, kept.lease.task).await, TaskState::Running);
    }

    async fn a_receipt_with_a_too_long_start_failure_is_refused(world) {
        let acme = &world.acme;
        world.submit(&acme.mia, sealed(acme.ops)).await;
        let taken = world.claim(&acme.rex).await.unwrap();
        let long = world.finish(&acme.rex, &taken, End::NotStarted("x".repeat(8_193))).await;
        assert!(matches!(long, Err(Error::Invalid(_))), "{long:?}");
        world.finish(&acme.rex, &taken, End::NotStarted("x".repeat(8_192))).await.unwrap();
    }

    async fn a_refused_task_shows_the_reason(world) {
        let acme = &world.acme;
        world.submit(&acme.mia, sealed(acme.ops)).await;
        let taken = world.claim(&acme.rex).await.unwrap();
        world.change(&acme.rex, async |write| write.refuse_task(lease(&taken), "no user\u{1b}[2J namespaces").await).await.unwrap();
        let task = world.store.read(&acme.mia).await.unwrap().task(taken.lease.task).await.unwrap();
        assert_eq!((task.state, task.end()), (TaskState::Failed, Some(End::NotStarted("no user[2J namespaces".into()))));
        assert_eq!(world.history(acme, taken.lease.task).await.last().unwrap(), "task.refuse");
    }

    async fn s_13_revoking_a_runner_cancels_its_tasks_and_prevents_new_claims(world) {
        let acme = &world.acme;
        let taken = running(world, acme).await;
        let domain::Principal::Runner(runner) = acme.rex.principal else { unreachable!() };
        let revoke = || RevokeRunner { runner };
        world.change(&acme.adam, async |write| write.revoke_runner(acme.adam.may(revoke())?).await).await.unwrap();
        assert_eq!(world.state(acme, taken.lease.task).await, TaskState::Cancelled);
        refuses(world, &acme.rex, &taken).await;
        let next = world.submit(&acme.mia, sealed(acme.ops)).await;
        let claimed = world.change(&acme.rex, async |write| write.claim_tasks(&["bash".into()], 1).await).await;
        assert!(claimed.as_ref().is_ok_and(Vec::is_empty), "{claimed:?}");
        let twice = world.change(&acme.adam, async |write| write.revoke_runner(acme.adam.may(revoke())?).await).await;
        assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");
        let again = world.runner(acme, "rex").await;
        assert_eq!(world.claim(&again).await.unwrap().lease.task, next.id, "the same name can enroll again");
    }
}

//! Placement: a task that no runner can take says what is missing, and expires after a time.
use crate::world::{TenantFixture, World, needs_approval, on_both, sealed};
use domain::{
    Actor, TaskId,
    account::AccountNotice,
    pending_reason::PendingReason,
    policy::{FreezeTenant, RevokeRunner},
    receipt::End,
    task::{TaskState, Tool},
};
use serde_json::{Value, json};
use std::time::Duration;
use store::{AuditFilter, Waiting};

const DAY: Duration = Duration::from_hours(24);
const MOMENT: Duration = Duration::from_micros(1);

async fn connect(world: &World, runner: &Actor, tools: &str) {
    let connected = async |write: &mut store::Write| write.runner_connected("1", tools, &json!({}), 1).await;
    world.change(runner, connected).await.unwrap();
}

async fn pending_reason(world: &World, task: TaskId) -> Option<PendingReason> {
    waiting(world, task).await.map(|waiting| waiting.pending_reason)
}

async fn waiting(world: &World, task: TaskId) -> Option<Waiting> {
    world.store.read(&world.acme.mia).await.unwrap().waiting(task).await.unwrap()
}

async fn due(world: &World) {
    world.store.system().run_due_work().await.unwrap();
}

async fn notices(world: &World, actor: &Actor) -> Vec<String> {
    let events = world.store.read(actor).await.unwrap().account_events(50).await.unwrap();
    events.into_iter().filter(|event| event.happened == AccountNotice::TaskExpired).map(|event| event.detail).collect()
}

/// Returns the details of the expiries in the audit log.
async fn expiries(world: &World, fixture: &TenantFixture) -> Vec<Value> {
    let proof = fixture.adam.may(domain::policy::ReadAudit).unwrap();
    let filter = AuditFilter { action: Some("task.expire".into()), ..AuditFilter::default() };
    let rows = world.store.read(&fixture.adam).await.unwrap().audit(&proof, filter, None, 100).await.unwrap().items;
    rows.iter().map(|row| serde_json::from_str::<Value>(&row.body).unwrap()["detail"].clone()).collect()
}

on_both! {
    async fn s_11_a_task_that_no_runner_can_take_says_what_is_missing(world) {
        let acme = &world.acme;
        let task = world.submit(&acme.mia, sealed(acme.ops)).await.id;
        assert_eq!(waiting(world, task).await, Some(Waiting { pending_reason: PendingReason::NoRunnerConnected, expires_at: None }));
        connect(world, &world.bolt.rex, "bash").await;
        assert_eq!(pending_reason(world, task).await, Some(PendingReason::NoRunnerConnected), "a runner of another tenant");
        connect(world, &acme.rex, "bashful,kubectl").await;
        assert_eq!(pending_reason(world, task).await, Some(PendingReason::ToolMissing));
        assert_eq!(PendingReason::ToolMissing.explanation(Tool::Bash), "No connected runner has the tool bash.");
        // The claim of the same runner shares the condition.
        let claim = async |tools: &[&str]| {
            let tools: Vec<_> = tools.iter().map(|tool| (*tool).to_owned()).collect();
            world.change(&acme.rex, async |write| write.claim_tasks(&tools, 1).await).await.unwrap().len()
        };
        assert_eq!(claim(&["bashful", "kubectl"]).await, 0);
        connect(world, &acme.rex, "kubectl,bash").await;
        assert_eq!(pending_reason(world, task).await, None, "it waits for a free slot only");
        world.change(&acme.adam, async |write| write.freeze(acme.adam.may(FreezeTenant {})?).await).await.unwrap();
        assert_eq!(pending_reason(world, task).await, Some(PendingReason::TenantFrozen));
        assert_eq!(claim(&["kubectl", "bash"]).await, 0);
    }

    async fn s_11_only_queued_tasks_wait_for_a_runner(world) {
        let acme = &world.acme;
        let undecided = world.submit(&acme.mia, needs_approval(acme.ops)).await.id;
        assert_eq!(pending_reason(world, undecided).await, None);
        world.submit(&acme.mia, sealed(acme.ops)).await;
        let taken = world.claim(&acme.rex).await.unwrap();
        assert_eq!(pending_reason(world, taken.lease.task).await, None);
    }

    async fn s_11_a_task_expires_that_no_runner_could_take_for_a_day(world) {
        let acme = &world.acme;
        world.store.enable_mail();
        world.store.set_queue_expiry(DAY);
        let task = world.submit(&acme.mia, sealed(acme.ops)).await.id;
        let expires_at = Some(world.now().after(DAY));
        assert_eq!(waiting(world, task).await.unwrap().expires_at, expires_at);
        assert_eq!(world.store.system().next_due().await.unwrap(), expires_at);
        world.wait(DAY - MOMENT);
        due(world).await;
        assert_eq!(world.state(acme, task).await, TaskState::Queued);
        world.wait(MOMENT);
        due(world).await;
        let row = world.store.read(&acme.mia).await.unwrap().task(task).await.unwrap();
        let end = End::NotStarted("No runner is connected.".into());
        assert_eq!((row.state, row.end(), row.ended_at), (TaskState::Expired, Some(end), Some(world.now())));
        assert_eq!(expiries(world, acme).await, [json!({ "reason": "no_runner_connected", "tool": "bash", "after_seconds": 86_400 })]);
        assert_eq!(notices(world, &acme.mia).await, ["echo hi"]);
        assert!(notices(world, &acme.adam).await.is_empty(), "only the submitter is notified");
        assert!(world.store.system().take_mail().await.unwrap().is_some());
        assert_eq!(world.store.system().next_due().await.unwrap(), None);
        due(world).await;
        assert_eq!(expiries(world, acme).await.len(), 1);
        connect(world, &acme.rex, "bash").await;
        assert!(world.claim(&acme.rex).await.is_none(), "it does not run any more");
    }

    async fn s_11_a_task_does_not_expire_while_a_runner_can_take_it(world) {
        let acme = &world.acme;
        world.store.set_queue_expiry(DAY);
        let task = world.submit(&acme.mia, sealed(acme.ops)).await.id;
        connect(world, &acme.rex, "bash").await;
        for _ in 0..100 {
            world.wait(Duration::from_mins(30));
            world.change(&acme.rex, async |write| write.touch_runner().await).await.unwrap();
            due(world).await;
        }
        assert_eq!((world.state(acme, task).await, waiting(world, task).await), (TaskState::Queued, None), "it is only busy");
        // The time begins when the last runner that can take it was last seen.
        let seen = world.now();
        world.change(&acme.rex, async |write| write.runner_disconnected(true).await).await.unwrap();
        world.wait(Duration::from_hours(1));
        connect(world, &world.runner(acme, "max").await, "kubectl").await;
        let expected = Waiting { pending_reason: PendingReason::ToolMissing, expires_at: Some(seen.after(DAY)) };
        assert_eq!(waiting(world, task).await, Some(expected));
        world.wait(Duration::from_hours(23) - MOMENT);
        due(world).await;
        assert_eq!(world.state(acme, task).await, TaskState::Queued);
        world.wait(MOMENT);
        due(world).await;
        assert_eq!(world.state(acme, task).await, TaskState::Expired);
    }

    /// A task waits for the successor of a revoked runner, and for runners that could not be seen while the server was stopped.
    async fn s_11_a_task_does_not_expire_right_after_a_runner_was_revoked_or_the_server_started(world) {
        let acme = &world.acme;
        world.store.set_queue_expiry(DAY);
        connect(world, &acme.rex, "bash").await;
        let task = world.submit(&acme.mia, sealed(acme.ops)).await.id;
        world.wait(2 * DAY);
        world.change(&acme.rex, async |write| write.touch_runner().await).await.unwrap();
        let domain::Principal::Runner(runner) = acme.rex.principal else { unreachable!() };
        let revoke = RevokeRunner { runner };
        world.change(&acme.adam, async |write| write.revoke_runner(acme.adam.may(revoke)?).await.map(drop)).await.unwrap();
        due(world).await;
        assert_eq!(world.state(acme, task).await, TaskState::Queued);
        assert_eq!(waiting(world, task).await.unwrap().expires_at, Some(world.now().after(DAY)));
        world.wait(DAY);
        due(world).await;
        assert_eq!(world.state(acme, task).await, TaskState::Expired);
    }

    async fn s_11_each_submitter_gets_one_notice_for_the_tasks_that_expire_together(world) {
        let acme = &world.acme;
        world.store.set_queue_expiry(DAY);
        for number in 1..=7 {
            world.submit(&acme.mia, crate::world::task(acme.ops, json!({ "title": format!("t{number}") }))).await;
        }
        world.submit(&acme.ada, sealed(acme.ops)).await;
        let other = world.submit(&world.bolt.mia, sealed(world.bolt.ops)).await.id;
        connect(world, &world.bolt.rex, "bash").await;
        for _ in 0..25 {
            world.wait(Duration::from_hours(1));
            world.change(&world.bolt.rex, async |write| write.touch_runner().await).await.unwrap();
        }
        due(world).await;
        assert_eq!(notices(world, &acme.mia).await, ["t1 · t2 · t3 · t4 · t5 …"]);
        assert_eq!(notices(world, &acme.ada).await, ["echo hi"]);
        assert_eq!(world.state(&world.bolt, other).await, TaskState::Queued, "another tenant has a runner");
    }

    /// A freeze must not keep the timer busy with work that it refuses.
    async fn k_09_tasks_expire_in_a_frozen_tenant(world) {
        let acme = &world.acme;
        world.store.set_queue_expiry(DAY);
        let task = world.submit(&acme.mia, sealed(acme.ops)).await.id;
        world.change(&acme.adam, async |write| write.freeze(acme.adam.may(FreezeTenant {})?).await).await.unwrap();
        world.wait(DAY);
        due(world).await;
        assert_eq!(world.state(acme, task).await, TaskState::Expired);
        assert_eq!(world.store.system().next_due().await.unwrap(), None);
    }
}

//! Figures for monitoring: what is open in all tenants.
use crate::world::{needs_approval, on_both, sealed};
use domain::{
    Principal,
    policy::{FreezeTenant, UnfreezeTenant},
    task::TaskState,
};
use serde_json::json;
use std::time::Duration;
use store::system::Figures;

fn open(figures: &Figures, state: TaskState) -> i64 {
    figures.open_tasks.iter().filter(|open| open.state == state).map(|open| open.n).sum()
}

fn runners(figures: &Figures, state: &str) -> i64 {
    figures.runners.iter().filter(|runners| runners.state == state).map(|runners| runners.n).sum()
}

on_both! {
    async fn a_08_figures_count_open_tasks_approvals_and_runners_of_all_tenants(world) {
        let (acme, bolt) = (&world.acme, &world.bolt);
        let empty = world.store.system().figures().await.unwrap();
        assert_eq!((open(&empty, TaskState::Queued), empty.waiting_approvals, empty.oldest_queued_at), (0, 0, None));
        assert_eq!((runners(&empty, "disconnected"), empty.heartbeats.len()), (2, 0));

        let since = world.now();
        world.submit(&acme.mia, sealed(acme.ops)).await;
        world.submit(&acme.mia, needs_approval(acme.ops)).await;
        world.wait(Duration::from_secs(60));
        world.submit(&bolt.mia, sealed(bolt.ops)).await;
        world.submit(&bolt.mia, needs_approval(bolt.ops)).await;
        let later = world.now();
        let connected = async |write: &mut store::Write| write.runner_connected("1", "bash", &json!({}), 1).await;
        world.change(&acme.rex, connected).await.unwrap();
        world.change(&bolt.rex, connected).await.unwrap();
        world.change(&bolt.rex, async |write| write.runner_disconnected(true).await).await.unwrap();
        let figures = world.store.system().figures().await.unwrap();
        assert_eq!((open(&figures, TaskState::Queued), open(&figures, TaskState::AwaitingApproval)), (2, 2));
        assert_eq!((figures.waiting_approvals, figures.oldest_waiting_approval_at), (2, Some(since)));
        assert_eq!(figures.oldest_queued_at, Some(since));
        assert_eq!((runners(&figures, "connected"), runners(&figures, "stopped"), runners(&figures, "silent")), (1, 1, 0));
        let Principal::Runner(rex) = acme.rex.principal else { unreachable!() };
        assert!(figures.heartbeats.iter().any(|heartbeat| (heartbeat.id, heartbeat.last_seen_at) == (rex, later)));

        let adam = &acme.adam;
        world.change(adam, async |write| write.freeze(adam.may(FreezeTenant {})?).await).await.unwrap();
        let figures = world.store.system().figures().await.unwrap();
        assert_eq!((open(&figures, TaskState::Queued), figures.oldest_queued_at), (2, Some(later)), "no task starts in a frozen tenant");
        world.change(adam, async |write| write.unfreeze(adam.may(UnfreezeTenant {})?).await).await.unwrap();
        assert_eq!(world.store.system().figures().await.unwrap().oldest_queued_at, Some(since));

        let taken = world.claim(&acme.rex).await.unwrap();
        world.start(&acme.rex, taken.lease).await;
        world.wait(Duration::from_secs(90));
        world.store.system().run_due_work().await.unwrap();
        let figures = world.store.system().figures().await.unwrap();
        assert_eq!((runners(&figures, "silent"), runners(&figures, "connected")), (1, 0));
        assert_eq!(open(&figures, TaskState::Queued), 2, "its lease has ended");
    }
}

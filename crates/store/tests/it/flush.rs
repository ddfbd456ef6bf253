//! Group commit (D-01, D-12): concurrent changes share a wait for the disk; on PostgreSQL by a connection of its own.
use crate::{
    audit_chain,
    raw::Raw,
    world::{World, on_both, sealed},
};
use domain::TaskId;
use futures::future::join_all;
use std::{collections::BTreeSet, time::Duration};
use store::{Error, Event, Result};
use tokio::{
    sync::broadcast::Receiver,
    time::{sleep, timeout},
};

/// The backend whose last statement was a shared flush.
const WAITS: &str = "from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and query like '%pg_logical_emit_message%'";

/// Submits sixteen tasks concurrently and returns the results.
async fn sixteen(world: &World) -> Vec<Result<TaskId>> {
    let (mia, ops) = (&world.acme.mia, world.acme.ops);
    let submit = async |_| {
        world.change(mia, async |write| write.submit_task(mia.may(sealed(ops))?).await).await.map(|made| made.id)
    };
    join_all((0..16).map(submit)).await
}

async fn are_there(world: &World, tasks: &[TaskId]) {
    let mut read = world.store.read(&world.acme.mia).await.unwrap();
    for task in tasks {
        read.task(*task).await.unwrap();
    }
}

/// Receives events until there is one for each task.
async fn receive_all(events: &mut Receiver<Event>, tasks: &[TaskId]) {
    let mut missing: BTreeSet<_> = tasks.iter().map(|task| task.0).collect();
    let all = async {
        while !missing.is_empty() {
            missing.remove(&events.recv().await.unwrap().id);
        }
    };
    timeout(Duration::from_secs(10), all).await.expect("committed changes are published");
}

on_both! {
    async fn d_12_sixteen_concurrent_changes_are_durable_published_and_in_one_chain(world) {
        let (mut events, before) = (world.store.subscribe(), world.records(&world.acme).await);
        let tasks = sixteen(world).await.into_iter().collect::<Result<Vec<_>>>().unwrap();
        are_there(world, &tasks).await;
        receive_all(&mut events, &tasks).await;
        assert_eq!(world.records(&world.acme).await, before + 16);
        let chain = audit_chain::chain(world, &world.acme).await;
        assert_eq!(audit_chain::verify(&world.acme, &chain).unwrap().0, before + 16);
    }
}

/// A change in flight when the connection breaks may be reported as failed; a change reported as done is stored, and later
/// changes succeed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_a_failed_group_commit_reports_no_success() {
    let world = World::postgres().await;
    let mut raw = Raw::outside(&world).await;
    let waiting = async {
        while raw.number(&format!("select count(*) {WAITS}")).await == 0 {
            assert!(sixteen(&world).await.iter().all(Result::is_ok));
        }
    };
    timeout(Duration::from_secs(20), waiting).await.expect("one connection waits for all, once it is worth one");
    let mut events = world.store.subscribe();
    raw.run(&format!("select pg_terminate_backend(pid) {WAITS}")).await.unwrap();
    let (mut made, mut failed) = (vec![], 0);
    for outcome in sixteen(&world).await {
        match outcome {
            Ok(task) => made.push(task),
            Err(Error::Database(_)) => failed += 1,
            Err(other) => panic!("{other}"),
        }
    }
    are_there(&world, &made).await;
    assert!(failed > 0, "the broken connection fails some changes");
    receive_all(&mut events, &made).await;

    let (mut events, mut again) = (world.store.subscribe(), vec![]);
    while raw.number(&format!("select count(*) {WAITS}")).await == 0 {
        again = sixteen(&world).await.into_iter().collect::<Result<Vec<_>>>().unwrap();
        sleep(Duration::from_millis(10)).await;
    }
    are_there(&world, &again).await;
    receive_all(&mut events, &again).await;
    world.end().await;
}

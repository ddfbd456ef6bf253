//! Concurrent claims from one queue on PostgreSQL: throughput, and that no task is claimed twice.
use super::{Bench, BenchDatabase};
use crate::{
    figure::{Figure, Threshold},
    raw,
    spread::{between, rate},
    world::BenchStore,
};
use anyhow::{Context, Result, ensure};
use domain::{Actor, RunnerId, TaskId};
use std::{collections::HashSet, time::Instant};
use store::{EnrolledRunner, Store};
use tokio::runtime::Runtime;

/// The number of concurrent runners.
const CLIENTS: u32 = 8;
/// The number of tasks per claim, which is one commit: a runner with that many free slots.
const SLOTS: usize = 8;

/// Measures claims.
///
/// # Errors
/// Fails if a task is claimed twice, or never.
pub fn measure(bench: &mut Bench, cluster: &str) -> Result<()> {
    let tasks = bench.count(100_000, 5_000);
    let on = BenchDatabase::Postgres(cluster);
    let url = on.database()?.context("a database")?;
    let place = tempfile::tempdir_in(&bench.data)?;
    Runtime::new()?.block_on(async {
        let world = BenchStore::new(place.path(), Some(&url)).await?;
        world.store.system().seed_queue(world.tenant, tasks).await?;
        let mut runners = vec![];
        for number in 0..CLIENTS {
            runners.push(runner(&world, number).await?);
        }
        let raw = async || raw::postgres::claims(&url, tasks, CLIENTS, i64::try_from(SLOTS)?).await;
        let before = raw().await?;
        let begin = Instant::now();
        let claims = runners.into_iter().map(|runner| tokio::spawn(claim_all(world.store.clone(), runner)));
        let lanes: Vec<_> = claims.collect();
        let (mut seen, mut claimed) = (HashSet::new(), 0);
        for lane in lanes {
            let taken = lane.await??;
            claimed += taken.len();
            seen.extend(taken);
        }
        let made = rate(claimed, begin.elapsed());
        ensure!(claimed == seen.len(), "{} tasks were claimed twice", claimed - seen.len());
        ensure!(u32::try_from(claimed)? == tasks, "{claimed} of {tasks} tasks were claimed");
        let raw = between(before, raw().await?);
        bench.add(Figure::against(
            on.name("claims by 8 runners of 8 slots"),
            made,
            "1/s",
            raw,
            Threshold::RatioAtLeast(0.5),
        ));
        world.store.close().await;
        anyhow::Ok(())
    })
}

async fn runner(world: &BenchStore, number: u32) -> Result<Actor> {
    let (id, name) = (RunnerId(store::new_id()), format!("runner-{number}"));
    let mut write = world.store.write(&world.console).await?;
    let enrolled = EnrolledRunner {
        id,
        name: name.clone(),
        version: "1".into(),
        capabilities: "bash".into(),
        serial: number.to_string(),
        public_key: id.0.as_bytes().to_vec(),
        expires_at: domain::Timestamp(i64::MAX),
    };
    write.enroll_runner(enrolled).await?;
    write.commit().await?;
    Ok(Actor::runner(world.tenant, id, &name, world.store.now()))
}

async fn claim_all(store: Store, runner: Actor) -> Result<Vec<TaskId>> {
    let (mut taken, tools) = (vec![], ["bash".to_owned()]);
    loop {
        let mut write = store.write(&runner).await?;
        let assignments = write.claim_tasks(&tools, SLOTS).await?;
        if assignments.is_empty() {
            return Ok(taken);
        }
        write.commit().await?;
        taken.extend(assignments.into_iter().map(|assignment| assignment.lease.task));
    }
}

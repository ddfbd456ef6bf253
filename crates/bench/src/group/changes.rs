//! Audited changes, sequential and concurrent, and the verification of their hash chain.
use super::{Bench, BenchDatabase};
use crate::{
    figure::{Figure, Threshold},
    raw,
    spread::{between, rate},
    world::BenchStore,
};
use anyhow::Result;
use domain::{
    Actor,
    audit::{Entry, GENESIS, Outcome, Stored, Verifier, link},
    policy::CreateOrganization,
};
use std::{
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};
use store::Store;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// The number of concurrent writers.
const CONCURRENT_WRITERS: usize = 16;

/// Measures changes and their hash chain.
///
/// # Errors
/// Fails if a change is refused, or the chain does not verify.
pub fn measure(bench: &mut Bench, on: BenchDatabase<'_>) -> Result<()> {
    let span = bench.count(Duration::from_secs(4), Duration::from_secs(1));
    let database = on.database()?;
    let place = tempfile::tempdir_in(&bench.data)?;
    Runtime::new()?.block_on(async {
        let world = BenchStore::new(place.path(), database.as_deref()).await?;
        changes(&world, 1, span / 4).await?; // warm up
        let before = commits(place.path(), database.as_deref(), span).await?;
        let alone = changes(&world, 1, span).await?;
        let after = commits(place.path(), database.as_deref(), span).await?;
        let raw = between(before, after);
        bench.add(Figure::against(on.name("audited changes"), alone, "1/s", raw, Threshold::RatioAtLeast(0.8)));
        let company = changes(&world, CONCURRENT_WRITERS, span).await?;
        let alone = between(alone, changes(&world, 1, span).await?);
        let name = on.name("audited changes, 16 writers to one");
        bench.add(Figure::against(name, company, "1/s", alone, Threshold::RatioAtLeast(5.0)));
        world.store.close().await;
        anyhow::Ok(())
    })
}

/// Measures the verification of a chain in memory.
///
/// # Errors
/// Fails if it does not verify.
pub fn verification(bench: &mut Bench) -> Result<()> {
    let chain = chain(bench.count(400_000, 100_000))?;
    let begin = Instant::now();
    let mut verifier = Verifier::new(domain::TenantId(Uuid::nil()));
    chain.iter().try_for_each(|record| verifier.take(record))?;
    let verified = rate(chain.len(), begin.elapsed());
    black_box(verifier.head());
    bench.add(Figure::alone("records verified", verified, "1/s", Threshold::AtLeast(1e6)));
    Ok(())
}

async fn commits(folder: &Path, database: Option<&str>, span: Duration) -> Result<f64> {
    match database {
        None => raw::sqlite::commits(folder, span).await,
        Some(url) => raw::postgres::commits(url, span).await,
    }
}

/// Returns the rate of changes by concurrent writers.
async fn changes(world: &BenchStore, writers: usize, span: Duration) -> Result<f64> {
    let begin = Instant::now();
    let lane = |_| tokio::spawn(write(world.store.clone(), world.console.clone(), begin, span));
    let lanes: Vec<_> = (0..writers).map(lane).collect();
    let mut made = 0;
    for lane in lanes {
        made += lane.await??;
    }
    Ok(rate(made, begin.elapsed()))
}

async fn write(store: Store, actor: Actor, begin: Instant, span: Duration) -> Result<usize> {
    let mut made = 0;
    while begin.elapsed() < span {
        let create = CreateOrganization { name: format!("Organization {}", store::new_id()) };
        let proof = store.authorize(&actor, create).await?;
        let mut write = store.write(&actor).await?;
        write.create_organization(proof).await?;
        write.commit().await?;
        made += 1;
    }
    Ok(made)
}

/// Returns a chain of records like those of task submissions.
fn chain(length: i64) -> Result<Vec<Stored>> {
    let tenant = domain::TenantId(Uuid::nil());
    let actor = Actor::console(tenant, domain::Timestamp(0));
    let mut previous = GENESIS;
    let record = |seq: i64| {
        let detail = serde_json::json!({ "organization": Uuid::nil(), "state": "queued", "rule": "Isolated scripts run immediately",
            "request_digest": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" });
        let target = ("task", Uuid::nil().to_string());
        let entry = Entry::event(&actor, "task.submit", target, Outcome::Done, detail, domain::Timestamp(seq), [7; 16]);
        let body = entry.body();
        let hash = link(tenant, seq, &previous, &body);
        let (columns, personal) = (entry.record.columns(), entry.personal);
        let stored = Stored { seq, body, previous: previous.to_vec(), hash: hash.to_vec(), personal, columns };
        previous = hash;
        stored
    };
    Ok((1..=length).map(record).collect())
}

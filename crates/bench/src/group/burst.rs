//! Burst of tasks on one runner while a person views the list.
use super::{Bench, BenchDatabase, tasks};
use crate::{
    figure::{Figure, Threshold},
    http::{Connection, Request},
    program::{Person, Program},
    raw::sandbox,
    spread::{Spread, between, rate},
};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// The number of concurrent submitters.
const SUBMITTERS: usize = 8;
/// The interval of requests for the list.
const LIST_INTERVAL: Duration = Duration::from_millis(20);
/// The number of tasks on a page of the list.
const PAGE_SIZE: usize = 50;
/// The timeout of a burst.
const BURST_TIMEOUT: Duration = Duration::from_mins(5);

/// Measures a burst.
///
/// # Errors
/// Fails if a response is an error, or a task does not succeed.
pub fn measure(bench: &mut Bench, on: BenchDatabase<'_>) -> Result<()> {
    let count = bench.count(500, 120);
    let mut program = bench.program(on)?;
    let mia = program.person("mia", "member")?;
    program.start()?;
    let slots = slots(&program, &mia)?;
    let cookie = program.sign_in(&mia)?;
    let stop = AtomicBool::new(true);
    // A full page before as during the burst.
    submit_all(&program, &mia, PAGE_SIZE).and_then(|()| all_succeeded(&program, &mia, PAGE_SIZE))?;
    let idle = request_list(&program, &cookie, &stop, 100)?;
    let before = sandbox::starts_per_second(count / 2, slots)?;
    let begin = Instant::now();
    let stop = AtomicBool::new(false);
    let list = thread::scope(|scope| {
        let viewer = scope.spawn(|| request_list(&program, &cookie, &stop, 0));
        let done = submit_all(&program, &mia, count).and_then(|()| all_succeeded(&program, &mia, count + PAGE_SIZE));
        stop.store(true, Ordering::Relaxed);
        let list = viewer.join().unwrap_or_else(|_| bail!("the list's thread died"));
        done.and(list)
    })?;
    let burst = rate(count, begin.elapsed());
    let after = sandbox::starts_per_second(count / 2, slots)?;
    let raw = between(before, after);
    let name = format!("burst of {count}, {slots} at once");
    bench.add(Figure::against(on.name(&name), burst, "1/s", raw, Threshold::RatioAtLeast(0.5)));
    let (quiet, busy) = (idle.percentile(99), list.percentile(99));
    bench.add(Figure::against(on.name("list during the burst, p99"), busy, "ms", quiet, Threshold::RatioAtMost(3.0)));
    Ok(())
}

/// Waits for the runner and returns its number of slots.
fn slots(program: &Program, person: &Person) -> Result<usize> {
    program.runner(person)?;
    let ask = Request::get(&program.host, "/api/v1/runners", &[("authorization", &person.bearer())]);
    let runners: Value = serde_json::from_slice(&Connection::open(&program.host)?.send(&ask)?.is(200)?.body)?;
    let slots = runners["items"][0]["slots"].as_u64().context("a runner without slots")?;
    Ok(usize::try_from(slots)?)
}

fn submit_all(program: &Program, person: &Person, count: usize) -> Result<()> {
    let (bearer, body) = (person.bearer(), tasks::body("true"));
    thread::scope(|scope| {
        let lane = |number: usize| {
            let (bearer, body) = (&bearer, &body);
            scope.spawn(move || -> Result<()> {
                let mut connection = Connection::open(&program.host)?;
                for _ in (number..count).step_by(SUBMITTERS) {
                    tasks::submit(&mut connection, &program.host, bearer, body)?;
                }
                Ok(())
            })
        };
        let lanes: Vec<_> = (0..SUBMITTERS).map(lane).collect();
        lanes.into_iter().try_for_each(|lane| lane.join().unwrap_or_else(|_| bail!("a lane's thread died")))
    })
}

/// Waits until no task is queued or running, and checks that all succeeded.
fn all_succeeded(program: &Program, person: &Person, count: usize) -> Result<()> {
    let bearer = person.bearer();
    let ask =
        |query: &str| Request::get(&program.host, &format!("/api/v1/tasks?{query}"), &[("authorization", &bearer)]);
    let mut connection = Connection::open(&program.host)?;
    let mut list =
        |query: &str| -> Result<Value> { Ok(serde_json::from_slice(&connection.send(&ask(query))?.is(200)?.body)?) };
    let begin = Instant::now();
    while list("state=queued,assigned,running&limit=1")?["items"] != serde_json::json!([]) {
        ensure!(begin.elapsed() < BURST_TIMEOUT, "the burst does not end");
        thread::sleep(LIST_INTERVAL);
    }
    let (mut succeeded, mut after) = (0, String::new());
    loop {
        let page = list(&format!("state=succeeded&limit=200{after}"))?;
        succeeded += page["items"].as_array().map_or(0, Vec::len);
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    ensure!(succeeded == count, "{succeeded} of {count} tasks succeeded");
    Ok(())
}

/// Requests the list until `stop`, at least `min_requests` times.
fn request_list(program: &Program, cookie: &str, stop: &AtomicBool, min_requests: usize) -> Result<Spread> {
    let ask = Request::get(&program.host, "/tasks", &[("cookie", cookie), ("accept", "text/html")]);
    let (mut connection, mut times) = (Connection::open(&program.host)?, vec![]);
    while times.len() < min_requests || !stop.load(Ordering::Relaxed) {
        let start = Instant::now();
        connection.send(&ask)?.is(200)?;
        times.push(start.elapsed());
        thread::sleep(LIST_INTERVAL);
    }
    Ok(times.into_iter().collect())
}

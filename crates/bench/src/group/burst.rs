//! Many tasks at once on one runner, while somebody looks at the list.
use super::{Bench, On, tasks};
use crate::{
    figure::{Aim, Figure},
    http::{Connection, Request},
    program::{Person, Program},
    spread::{Spread, between, rate},
};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// How many submit at once.
const LANES: usize = 8;
/// How often the list is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// As many as a page of the list shows.
const FULL: usize = 50;
/// How long a burst may take.
const LONGEST: Duration = Duration::from_mins(5);

/// Measures a burst.
///
/// # Errors
/// When anything is answered with an error, or a task does not succeed.
pub fn measure(bench: &mut Bench, on: On<'_>) -> Result<()> {
    let count = bench.count(500, 120);
    let mut program = bench.program(on)?;
    let mia = program.person("mia", "member")?;
    program.start()?;
    let slots = slots(&program, &mia)?;
    let cookie = program.sign_in(&mia)?;
    let stop = AtomicBool::new(true);
    // A full page before as during the burst.
    submit_all(&program, &mia, FULL).and_then(|()| all_succeeded(&program, &mia, FULL))?;
    let idle = look(&program, &cookie, &stop, 100)?;
    let before = bench.sandboxes.per_second(count / 2, slots)?;
    let begin = Instant::now();
    let stop = AtomicBool::new(false);
    let list = thread::scope(|scope| {
        let looking = scope.spawn(|| look(&program, &cookie, &stop, 0));
        let done = submit_all(&program, &mia, count).and_then(|()| all_succeeded(&program, &mia, count + FULL));
        stop.store(true, Ordering::Relaxed);
        let list = looking.join().unwrap_or_else(|_| bail!("the list's thread died"));
        done.and(list)
    })?;
    let burst = rate(count, begin.elapsed());
    let after = bench.sandboxes.per_second(count / 2, slots)?;
    let raw = between(before, after);
    let name = format!("burst of {count}, {slots} at once");
    bench.add(Figure::against(on.name(&name), burst, "1/s", raw, Aim::RatioAtLeast(0.6)));
    let (quiet, busy) = (idle.percentile(99), list.percentile(99));
    bench.add(Figure::against(on.name("list during the burst, p99"), busy, "ms", quiet, Aim::RatioAtMost(3.0)));
    Ok(())
}

/// Waits for the runner; how many tasks it takes at once.
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
                for _ in (number..count).step_by(LANES) {
                    tasks::submit(&mut connection, &program.host, bearer, body)?;
                }
                Ok(())
            })
        };
        let lanes: Vec<_> = (0..LANES).map(lane).collect();
        lanes.into_iter().try_for_each(|lane| lane.join().unwrap_or_else(|_| bail!("a lane's thread died")))
    })
}

/// Waits until none waits or runs, and makes sure that all did what they should.
fn all_succeeded(program: &Program, person: &Person, count: usize) -> Result<()> {
    let bearer = person.bearer();
    let ask =
        |query: &str| Request::get(&program.host, &format!("/api/v1/tasks?{query}"), &[("authorization", &bearer)]);
    let mut connection = Connection::open(&program.host)?;
    let mut list =
        |query: &str| -> Result<Value> { Ok(serde_json::from_slice(&connection.send(&ask(query))?.is(200)?.body)?) };
    let begin = Instant::now();
    while list("state=queued,assigned,running&limit=1")?["items"] != serde_json::json!([]) {
        ensure!(begin.elapsed() < LONGEST, "the burst does not end");
        thread::sleep(LOOK);
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

/// Looks at the list again and again until `stop`, at least so often.
fn look(program: &Program, cookie: &str, stop: &AtomicBool, least: usize) -> Result<Spread> {
    let ask = Request::get(&program.host, "/tasks", &[("cookie", cookie), ("accept", "text/html")]);
    let (mut connection, mut times) = (Connection::open(&program.host)?, vec![]);
    while times.len() < least || !stop.load(Ordering::Relaxed) {
        let asked = Instant::now();
        connection.send(&ask)?.is(200)?;
        times.push(asked.elapsed());
        thread::sleep(LOOK);
    }
    Ok(times.into_iter().collect())
}

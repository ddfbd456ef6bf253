//! Live output: latency with many watchers, and the effect of a flood on other requests.
use super::{Bench, BenchDatabase, tasks};
use crate::{
    figure::{Figure, Threshold},
    http::{Connection, Events, Request},
    program::{Person, Program},
    spread::{Spread, between, rate},
    world,
};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::{
    thread,
    time::{Duration, Instant},
};

/// The number of watchers of one task. A person can have 20 streams.
const WATCHERS: usize = 50;
const EACH: usize = 17;

/// Measures watchers and a flood.
///
/// # Errors
/// Fails if a line is missing, or a task does not succeed.
pub fn measure(bench: &mut Bench, on: BenchDatabase<'_>) -> Result<()> {
    let mut program = bench.program(on)?;
    let people: Vec<_> =
        ["mia", "max", "moe"].into_iter().map(|name| program.person(name, "member")).collect::<Result<_>>()?;
    let mia = people.first().context("no watcher was created")?.clone();
    program.start()?;
    program.runner(&mia)?;
    let lines = bench.count(200, 40);
    let late = watch(&program, &mia, &people, lines)?;
    let p95 = late.percentile(95);
    bench.add(Figure::alone(on.name("printed line to 50 streams, p95"), p95, "ms", Threshold::AtMost(50.0)));
    flood(bench, on, &program, &mia)
}

fn watch(program: &Program, mia: &Person, people: &[Person], lines: usize) -> Result<Spread> {
    // The task starts after all watchers have connected; each line contains its time in microseconds.
    let script = format!("sleep 3; for n in $(seq {lines}); do t=$EPOCHREALTIME; echo \"${{t/./}}\"; sleep 0.05; done");
    let body = serde_json::json!({ "script": script, "timeout_seconds": 120, "visibility": "org" }).to_string();
    let mut connection = Connection::open(&program.host)?;
    let id = tasks::submit(&mut connection, &program.host, &mia.bearer(), &body)?;
    let results: Vec<Result<Vec<Duration>>> = thread::scope(|scope| {
        let watchers: Vec<_> = (0..WATCHERS)
            .filter_map(|number| people.get(number / EACH))
            .map(|person| scope.spawn(|| delays(follow(program, person, &id)?)))
            .collect();
        watchers.into_iter().map(|one| one.join().unwrap_or_else(|_| bail!("a watcher's thread died"))).collect()
    });
    let mut all = vec![];
    for result in results {
        let own = result?;
        ensure!(own.len() == lines, "a watcher saw {} of {lines} lines", own.len());
        all.extend(own);
    }
    Ok(all.into_iter().collect())
}

fn follow(program: &Program, person: &Person, id: &str) -> Result<Events> {
    let path = format!("/api/v1/tasks/{id}/log?follow=1");
    let ask = Request::get(&program.host, &path, &[("authorization", &person.bearer())]);
    Connection::open(&program.host)?.listen(&ask)
}

/// Returns the delay of each line that contains the time at which it was printed.
fn delays(mut events: Events) -> Result<Vec<Duration>> {
    let mut delays = vec![];
    while let Some((event, data)) = events.next()? {
        if event == "line" {
            let now = world::now().0;
            let line: Value = serde_json::from_str(&data)?;
            let printed: i64 = line["text"].as_str().context("a line without a text")?.parse()?;
            delays.push(Duration::from_micros(u64::try_from(now - printed).unwrap_or(0)));
        }
    }
    Ok(delays)
}

/// Runs a task that prints ten thousand lines per second for some seconds.
fn flood(bench: &mut Bench, on: BenchDatabase<'_>, program: &Program, mia: &Person) -> Result<()> {
    let seconds = bench.count(10, 4);
    let span = Duration::from_secs(seconds);
    let cookie = program.sign_in(mia)?;
    let list = [Request::get(&program.host, "/tasks", &[("cookie", &cookie), ("accept", "text/html")])];
    let lookup = || crate::load::load(&program.host, &list, 1, span / 2);
    drop(lookup()?);
    let before = lookup()?.times.percentile(50);
    // The number of lines follows the clock, so a sandbox with little CPU time prints them later, but all of them.
    let script = format!(
        "t0=${{EPOCHREALTIME/./}}; n=0; while (( n < {total} )); do
           due=$(( (${{EPOCHREALTIME/./}} - t0) / 100 )); (( due > {total} )) && due={total}
           (( due > n )) && seq -f 'line %.0f of a flood that somebody may want to read' $(( n + 1 )) $due && n=$due
           sleep 0.02
         done",
        total = seconds * 10_000
    );
    let mut connection = Connection::open(&program.host)?;
    let id = tasks::submit(&mut connection, &program.host, &mia.bearer(), &tasks::body(&script))?;
    let mut events = follow(program, mia, &id)?;
    let first = events.until("line")?;
    let begin = Instant::now();
    let (during, count) = thread::scope(|scope| {
        let viewer = scope.spawn(lookup);
        let mut count = 1_usize;
        while let Some((event, _)) = events.next()? {
            count += usize::from(event == "line");
        }
        let took = begin.elapsed();
        let during = viewer.join().unwrap_or_else(|_| bail!("the list's thread died"))?;
        anyhow::Ok((during.times.percentile(50), rate(count, took)))
    })?;
    ensure!(!first.is_empty(), "a line without data");
    let after = lookup()?.times.percentile(50);
    let raw = between(before, after);
    bench.add(Figure::alone(on.name("lines of one task to a stream"), count, "1/s", Threshold::AtLeast(9_500.0)));
    bench.add(Figure::against(on.name("list during the flood, p50"), during, "ms", raw, Threshold::RatioAtMost(2.0)));
    Ok(())
}

//! Latency of a sandboxed `true` through the API, from submission to its end, with audit and durable commits.
use super::{Bench, BenchDatabase};
use crate::{
    figure::{Figure, Threshold},
    http::{Connection, Request},
    program::{Person, Program},
    raw::sandbox,
    spread::Spread,
};
use anyhow::{Context, Result, ensure};
use std::time::{Duration, Instant};

/// Measures one task after the other.
///
/// # Errors
/// Fails if a task does not succeed.
pub fn measure(bench: &mut Bench, on: BenchDatabase<'_>) -> Result<()> {
    let count = bench.count(200, 40);
    let mut program = bench.program(on)?;
    let mia = program.person("mia", "member")?;
    program.start()?;
    program.runner(&mia)?;
    drop(times(&program, &mia, 5)?); // warm up
    let (times, raw) = times(&program, &mia, count)?;
    let (p50, p95, raw) = (times.percentile(50), times.percentile(95), raw.percentile(50));
    bench.add(Figure::against(on.name("submit to finished, p50"), p50, "ms", raw, Threshold::RatioAtMost(2.5)));
    bench.add(Figure::against(
        on.name("submit to finished, p95 to its p50"),
        p95,
        "ms",
        p50,
        Threshold::RatioAtMost(2.0),
    ));
    Ok(())
}

/// Returns the request body that submits this script.
pub fn body(script: &str) -> String {
    serde_json::json!({ "script": script, "timeout_seconds": 60 }).to_string()
}

/// Submits a task and returns its id.
///
/// # Errors
/// Fails if the server rejects the request.
pub fn submit(connection: &mut Connection, host: &str, bearer: &str, body: &str) -> Result<String> {
    let headers = [("authorization", bearer), ("content-type", "application/json")];
    let answer = connection.send(&Request::post(host, "/api/v1/tasks", &headers, body))?.is(201)?;
    let answer: serde_json::Value = serde_json::from_slice(&answer.body)?;
    Ok(answer["id"].as_str().context("a task without an id")?.to_owned())
}

/// Returns the times of tasks and of bare sandboxes, which take turns.
fn times(program: &Program, person: &Person, count: usize) -> Result<(Spread, Spread)> {
    let (host, bearer, body) = (&program.host, person.bearer(), body("true"));
    let mut connection = Connection::open(host)?;
    let mut times: Vec<Duration> = vec![];
    let mut raw: Vec<Duration> = vec![];
    for _ in 0..count {
        raw.push(sandbox::start()?);
        let listening = Connection::open(host)?;
        let submitted = Instant::now();
        let id = submit(&mut connection, host, &bearer, &body)?;
        let follow = format!("/api/v1/tasks/{id}/log?follow=1");
        let end = listening.listen(&Request::get(host, &follow, &[("authorization", &bearer)]))?.until("end")?;
        times.push(submitted.elapsed());
        ensure!(end == "succeeded", "an empty task ended with the state {end}");
    }
    Ok((times.into_iter().collect(), raw.into_iter().collect()))
}

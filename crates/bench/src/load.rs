//! Closed-loop load: each connection sends its next request after the response to the last one.
use crate::{
    http::{Connection, Request},
    spread::{Spread, rate},
};
use anyhow::{Result, bail, ensure};
use std::{
    thread,
    time::{Duration, Instant},
};

/// The result of a load.
#[derive(Clone, Debug)]
pub struct Load {
    pub per_second: f64,
    pub times: Spread,
    pub size: usize,
}

/// Sends `requests` in turn over `connections` connections for the duration `span`; every response must be a 200.
///
/// # Errors
/// Fails if a response has another status, or the network fails.
pub fn load(host: &str, requests: &[Request], connections: usize, span: Duration) -> Result<Load> {
    ensure!(!requests.is_empty(), "no requests");
    let begin = Instant::now();
    let results: Vec<Result<(Vec<Duration>, usize)>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..connections).map(|_| scope.spawn(|| ask(host, requests, begin, span))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| bail!("a connection's thread died")))
            .collect()
    });
    let took = begin.elapsed();
    let (mut times, mut size) = (vec![], 0);
    for result in results {
        let (own, last) = result?;
        times.extend(own);
        size = last;
    }
    Ok(Load { per_second: rate(times.len(), took), times: times.into_iter().collect(), size })
}

fn ask(host: &str, requests: &[Request], begin: Instant, span: Duration) -> Result<(Vec<Duration>, usize)> {
    let (mut connection, mut times, mut size) = (Connection::open(host)?, vec![], 0);
    for request in requests.iter().cycle() {
        if begin.elapsed() >= span && !times.is_empty() {
            break;
        }
        let start = Instant::now();
        size = connection.send(request)?.is(200)?.body.len();
        times.push(start.elapsed());
    }
    Ok((times, size))
}

//! Cost of authentication: the session of each request, and concurrent sign-ins.
use super::{Bench, BenchDatabase};
use crate::{
    figure::{Figure, Threshold},
    http::Request,
    load::load,
    program::Program,
    spread::between,
};
use anyhow::{Result, bail};
use std::{
    thread,
    time::{Duration, Instant},
};

/// The number of concurrent sign-ins, each person in several browsers.
const CONCURRENT_SIGN_INS: usize = 200;
const PEOPLE: usize = 20;

/// A public page that is the same with and without a session.
const PUBLIC_PAGE: &str = "/forgot";

/// Measures both.
///
/// # Errors
/// Fails if a sign-in fails, or a response is not the requested page.
pub fn measure(bench: &mut Bench, on: BenchDatabase<'_>) -> Result<()> {
    let mut program = bench.program(on)?;
    let people: Vec<_> = (0..PEOPLE).map(|n| program.person(&format!("mia{n}"), "member")).collect::<Result<_>>()?;
    program.start_alone()?;
    let cookie = program.sign_in(&people[0])?;
    session(bench, on, &program, &cookie)?;
    let pages = ["/tasks", "/keys", "/"].map(|path| page(&program, path, &[("cookie", &cookie)]));
    let span = bench.count(Duration::from_secs(3), Duration::from_secs(1));
    let idle = |span| load(&program.host, &pages, 1, span).map(|load| [50, 95].map(|p| load.times.percentile(p)));
    idle(span)?; // warm up
    let before = idle(span)?;
    let begin = Instant::now();
    let (meanwhile, took) = thread::scope(|scope| {
        let crowd: Vec<_> = people
            .iter()
            .cycle()
            .take(CONCURRENT_SIGN_INS)
            .map(|person| scope.spawn(|| program.sign_in(person)))
            .collect();
        // It takes seconds: each password is hashed slowly, on purpose.
        let meanwhile = idle(span)?;
        for one in crowd {
            one.join().unwrap_or_else(|_| bail!("a thread died"))?;
        }
        anyhow::Ok((meanwhile, begin.elapsed()))
    })?;
    let after = idle(span)?;
    for (n, percentile) in ["p50", "p95"].into_iter().enumerate() {
        let name = on.name(&format!("pages while {CONCURRENT_SIGN_INS} sign in, {percentile}"));
        let raw = between(before[n], after[n]);
        bench.add(Figure::against(name, meanwhile[n], "ms", raw, Threshold::RatioAtMost(2.0)));
    }
    let name = on.name(&format!("{CONCURRENT_SIGN_INS} sign-ins at once"));
    bench.add(Figure::alone(name, took.as_secs_f64(), "s", Threshold::AtMost(30.0)));
    Ok(())
}

/// Measures how much longer a page takes with a session: opening the cookie and reading its row.
fn session(bench: &mut Bench, on: BenchDatabase<'_>, program: &Program, cookie: &str) -> Result<()> {
    let span = bench.count(Duration::from_secs(3), Duration::from_secs(1));
    let time = |headers: &[(&str, &str)]| {
        load(&program.host, &[page(program, PUBLIC_PAGE, headers)], 1, span).map(|load| load.times.percentile(50) * 1e3)
    };
    time(&[])?;
    let before = time(&[])?;
    let with = time(&[("cookie", cookie)])?;
    let after = time(&[])?;
    let cost = (with - between(before, after)).max(0.0);
    bench.add(Figure::alone(on.name("a session's cost in a request, p50"), cost, "µs", Threshold::AtMost(60.0)));
    Ok(())
}

fn page(program: &Program, path: &str, more: &[(&str, &str)]) -> Request {
    let headers = [&[("accept", "text/html"), ("sec-fetch-site", "same-origin")], more].concat();
    Request::get(&program.host, path, &headers)
}

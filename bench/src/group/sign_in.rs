//! What it costs to be somebody: the session of each request, and many who sign in at once.
use super::{Bench, On};
use crate::{
    figure::{Aim, Figure},
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

/// So many sign in at the same moment.
const CROWD: usize = 200;

/// An open page, the same with and without a session.
const OPEN: &str = "/forgot";

/// Measures both.
///
/// # Errors
/// When somebody is not let in, or a page is answered with anything but itself.
pub fn measure(bench: &mut Bench, on: On<'_>) -> Result<()> {
    let mut program = bench.program(on)?;
    let person = program.person("mia", "member")?;
    program.start_alone()?;
    let cookie = program.sign_in(&person)?;
    session(bench, on, &program, &cookie)?;
    let list = page(&program, "/tasks", &[("cookie", &cookie)]);
    let span = bench.count(Duration::from_secs(3), Duration::from_secs(1));
    let idle = |span| load(&program.host, std::slice::from_ref(&list), 1, span).map(|load| load.times.percentile(50));
    idle(span)?; // the first ones find everything cold
    let before = idle(span)?;
    let begin = Instant::now();
    let (meanwhile, took) = thread::scope(|scope| {
        let crowd: Vec<_> = (0..CROWD).map(|_| scope.spawn(|| program.sign_in(&person))).collect();
        // It takes seconds: each password is hashed slowly, on purpose.
        let meanwhile = idle(span)?;
        for one in crowd {
            one.join().unwrap_or_else(|_| bail!("a thread died"))?;
        }
        anyhow::Ok((meanwhile, begin.elapsed()))
    })?;
    let after = idle(span)?;
    let name = on.name(&format!("task list while {CROWD} sign in, p50"));
    bench.add(Figure::against(name, meanwhile, "ms", between(before, after), Aim::RatioAtMost(2.0)));
    let name = on.name(&format!("{CROWD} sign-ins at once"));
    bench.add(Figure::alone(name, took.as_secs_f64(), "s", Aim::AtMost(30.0)));
    Ok(())
}

/// How much longer a page takes with a session: the cookie's seal, and the row that it leads to.
fn session(bench: &mut Bench, on: On<'_>, program: &Program, cookie: &str) -> Result<()> {
    let span = bench.count(Duration::from_secs(3), Duration::from_secs(1));
    let time = |headers: &[(&str, &str)]| {
        load(&program.host, &[page(program, OPEN, headers)], 1, span).map(|load| load.times.percentile(50) * 1e3)
    };
    time(&[])?;
    let before = time(&[])?;
    let with = time(&[("cookie", cookie)])?;
    let after = time(&[])?;
    let cost = (with - between(before, after)).max(0.0);
    bench.add(Figure::alone(on.name("a session's cost in a request, p50"), cost, "µs", Aim::AtMost(60.0)));
    Ok(())
}

fn page(program: &Program, path: &str, more: &[(&str, &str)]) -> Request {
    let headers = [&[("accept", "text/html"), ("sec-fetch-site", "same-origin")], more].concat();
    Request::get(&program.host, path, &headers)
}

//! Pages of a signed-in person with few and with very many tasks, and the memory that they need.
use super::{Bench, BenchDatabase};
use crate::{
    figure::{Figure, Threshold},
    http::{Connection, Request},
    load::load,
    process,
    program::{Person, Program},
    raw::page::BarePage,
    spread::between,
    world,
};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::{
    thread,
    time::{Duration, Instant},
};
use uuid::{NoContext, Timestamp, Uuid};

/// A member sees a third of the synthetic tasks: two full pages, so that the compared pages have the same length.
const FEW_TASKS: u32 = 300;
/// A search that matches one title in a hundred.
const RARE_SEARCH: &str = "/tasks?text=task%2042";
/// The number of concurrent connections.
const CONNECTIONS: usize = 8;
/// Seconds between two synthetic tasks.
const TASK_INTERVAL_SECONDS: i64 = 20;

/// A deployment with tasks, and a person who views them.
struct SeededDeployment {
    program: Program,
    person: Person,
    cookie: String,
    tasks: u32,
}

/// Measures pages, startup and memory.
///
/// # Errors
/// Fails if a response is not the requested page.
pub fn measure(bench: &mut Bench, on: BenchDatabase<'_>) -> Result<()> {
    let many = match on {
        BenchDatabase::Sqlite => bench.count(1_000_000, 50_000),
        BenchDatabase::Postgres(_) => bench.count(200_000, 20_000),
    };
    let (few, _) = SeededDeployment::new(bench, on, FEW_TASKS)?;
    let (full, seeding) = SeededDeployment::new(bench, on, many)?;
    let per_million = seeding.as_secs_f64() * 1e6 / f64::from(many);
    bench.add(Figure::alone(on.name("seeding a million tasks"), per_million, "s", Threshold::AtMost(120.0)));
    growth(bench, on, &few, &full)?;
    drop(few);
    if matches!(on, BenchDatabase::Sqlite) {
        compare_with_bare_page(bench, &full)?;
        start_and_memory(bench, full)?;
    }
    Ok(())
}

impl SeededDeployment {
    fn new(bench: &Bench, on: BenchDatabase<'_>, tasks: u32) -> Result<(Self, Duration)> {
        let mut program = bench.program(on)?;
        let person = program.person("mia", "member")?;
        let begin = Instant::now();
        program.run(&["dev", "seed", "--tasks", &tasks.to_string()])?;
        let seeding = begin.elapsed();
        program.start_alone()?;
        let cookie = program.sign_in(&person)?;
        Ok((Self { program, person, cookie, tasks }, seeding))
    }

    fn page(&self, path: &str) -> Request {
        let headers = [("cookie", self.cookie.as_str()), ("accept", "text/html"), ("sec-fetch-site", "same-origin")];
        Request::get(&self.program.host, path, &headers)
    }

    /// Returns the pages that are measured: what each is called, and where it is.
    fn pages(&self) -> Result<Vec<(&'static str, String)>> {
        let middle = world::now().0 / 1_000_000 - TASK_INTERVAL_SECONDS * i64::from(self.tasks) / 2;
        let middle = Uuid::new_v7(Timestamp::from_unix(NoContext, u64::try_from(middle)?, 0));
        let bearer = self.person.bearer();
        let ask =
            Request::get(&self.program.host, "/api/v1/tasks?limit=1&state=succeeded", &[("authorization", &bearer)]);
        let list: Value = serde_json::from_slice(&Connection::open(&self.program.host)?.send(&ask)?.is(200)?.body)?;
        let task = list["items"][0]["id"].as_str().context("no task has succeeded")?;
        Ok(vec![
            ("task list", "/tasks".into()),
            ("filtered list", "/tasks?state=succeeded".into()),
            ("text search", "/tasks?text=synthetic".into()),
            ("deep page", format!("/tasks?after={middle}")),
            ("a task's page", format!("/tasks/{task}")),
        ])
    }
}

/// Measures how much slower each page is with very many tasks.
fn growth(bench: &mut Bench, on: BenchDatabase<'_>, few: &SeededDeployment, full: &SeededDeployment) -> Result<()> {
    let span = bench.count(Duration::from_secs(3), Duration::from_secs(1));
    for ((name, small), (_, large)) in few.pages()?.into_iter().zip(full.pages()?) {
        let measure = |of: &SeededDeployment, path: &str| load(&of.program.host, &[of.page(path)], 1, span);
        let (sizes, is_list) = ((measure(few, &small)?.size, measure(full, &large)?.size), name != "a task's page");
        ensure!(!is_list || sizes.0.abs_diff(sizes.1) < sizes.1 / 4, "{name}: {sizes:?} bytes cannot be compared");
        let before = measure(few, &small)?.times.percentile(50);
        let much = measure(full, &large)?.times.percentile(50);
        let after = measure(few, &small)?.times.percentile(50);
        let name = on.name(&format!("{name}, {} tasks to {FEW_TASKS}", full.tasks));
        bench.add(Figure::against(name, much, "ms", between(before, after), Threshold::RatioAtMost(1.2)));
    }
    let rare = load(&full.program.host, &[full.page(RARE_SEARCH)], 1, span)?.times.percentile(50);
    let name = on.name(&format!("search for a rarer word, {} tasks, p50", full.tasks));
    bench.add(Figure::alone(name, rare, "ms", Threshold::AtMost(10.0)));
    let pages = full.pages()?.into_iter().map(|(_, path)| path).chain([RARE_SEARCH.to_owned()]);
    let pages: Vec<_> = pages.map(|path| full.page(&path)).collect();
    let busy = load(&full.program.host, &pages, CONNECTIONS, span * 2)?;
    let name = on.name(&format!("pages at {CONNECTIONS} connections, p99"));
    bench.add(Figure::alone(name, busy.times.percentile(99), "ms", Threshold::AtMost(10.0)));
    Ok(())
}

/// Compares the list with a bare page of the same size, each on one CPU and requested from the other.
fn compare_with_bare_page(bench: &mut Bench, full: &SeededDeployment) -> Result<()> {
    let span = bench.count(Duration::from_secs(5), Duration::from_secs(2));
    let bare = BarePage::start()?;
    let list = [full.page("/tasks")];
    let size = load(&full.program.host, &list, 1, Duration::from_millis(100))?.size;
    let of = |rows: usize| [Request::get(&bare.host, &format!("/{rows}"), &[])];
    let hundred = load(&bare.host, &of(100), 1, Duration::from_millis(100))?.size;
    let one = load(&bare.host, &of(0), 1, Duration::from_millis(100))?.size;
    let rows = of((size - one) * 100 / (hundred - one).max(1));
    let (server, own) = (full.program.pid()?, std::process::id());
    process::keep_on(own, Some(1));
    for pid in [server, bare.pid()] {
        process::keep_on(pid, Some(0));
    }
    let rates = || -> Result<_> {
        let before = load(&bare.host, &rows, CONNECTIONS, span)?;
        let ours = load(&full.program.host, &list, CONNECTIONS, span)?;
        let after = load(&bare.host, &rows, CONNECTIONS, span)?;
        Ok((ours.per_second, between(before.per_second, after.per_second)))
    };
    let measured = rates();
    for pid in [server, own] {
        process::keep_on(pid, None);
    }
    let (ours, raw) = measured?;
    let name = format!("task list of {} kB on one processor", size / 1_000);
    bench.add(Figure::against(name, ours, "1/s", raw, Threshold::RatioAtLeast(0.5)));
    Ok(())
}

/// Measures the time from the start to the first page, and the memory before and after the load.
fn start_and_memory(bench: &mut Bench, full: SeededDeployment) -> Result<()> {
    largest(bench, &full)?;
    let SeededDeployment { mut program, cookie, .. } = full;
    let loaded = process::memory(program.pid()?)?;
    bench.add(Figure::alone("server's memory after load", loaded, "MB", Threshold::AtMost(80.0)));
    program.stop()?;
    let mut starts = vec![];
    for _ in 0..5 {
        let begin = Instant::now();
        program.start_alone()?;
        let ask = Request::get(&program.host, "/tasks", &[("cookie", &cookie), ("accept", "text/html")]);
        Connection::open(&program.host)?.send(&ask)?.is(200)?;
        starts.push(begin.elapsed());
        program.stop()?;
    }
    let start: crate::spread::Spread = starts.into_iter().collect();
    bench.add(Figure::alone("start to the first page, p50", start.percentile(50), "ms", Threshold::AtMost(300.0)));
    let mut program = bench.program(BenchDatabase::Sqlite)?;
    let person = program.person("mia", "member")?;
    program.start()?;
    program.runner(&person)?;
    thread::sleep(Duration::from_secs(2));
    let server = program.pid()?;
    let runner = process::children(server).into_iter().next().context("the server has no runner")?;
    bench.add(Figure::alone("server's memory, idle", process::memory(server)?, "MB", Threshold::AtMost(40.0)));
    bench.add(Figure::alone("runner's memory, idle", process::memory(runner)?, "MB", Threshold::AtMost(15.0)));
    Ok(())
}

fn largest(bench: &mut Bench, full: &SeededDeployment) -> Result<()> {
    let mut largest = 0;
    let host = &full.program.host;
    let cookie = full.program.sign_in(&full.program.person("adam", "admin")?)?; // sees every page
    let more = [
        "/",
        "/tasks/new",
        "/approvals",
        "/runners",
        "/keys",
        "/browser-sessions",
        "/rules",
        "/audit",
        "/people",
        "/anomalies",
        "/reviews",
        "/organizations",
        "/settings/authentication",
        RARE_SEARCH,
    ];
    for (_, path) in full.pages()?.into_iter().chain(more.map(|path| ("", path.to_owned()))) {
        let headers = [("cookie", cookie.as_str()), ("accept", "text/html"), ("accept-encoding", "br, gzip")];
        let answer = Connection::open(host)?.send(&Request::get(host, &path, &headers))?.is(200)?;
        largest = largest.max(answer.body.len());
    }
    let kilobytes = f64::from(u32::try_from(largest)?) / 1e3;
    bench.add(Figure::alone("largest page, as it is sent", kilobytes, "kB", Threshold::AtMost(60.0)));
    Ok(())
}

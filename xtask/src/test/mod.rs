//! All tests, each as a named step.

mod count;
mod dependencies;
mod postgres;
mod report;

use std::process::Command;

use anyhow::{Result, ensure};

use crate::binaries;
use crate::need;
use crate::root::{cargo, command, path};
use crate::step::{self, Outcome};
use count::Count;
pub use postgres::Cluster;
use report::Report;

/// The members that are checked together, on this machine's own target.
///
/// Each exclusion keeps features apart that cargo would otherwise unite: the frontend's would make the server hydrate, and
/// ours would have every dependency of the server compiled a second time.
pub const PRODUCT: &[&str] = &["--workspace", "--exclude", "frontend", "--exclude", "xtask"];
const XTASK: &[&str] = &["--package", "xtask"];

/// Installs what the tests need, runs them, and says how many passed.
///
/// With a filter, only the Rust tests run whose names contain it.
///
/// # Errors
/// When something is missing and cannot be installed, or anything failed or was skipped.
pub fn test(fast: bool, filter: Option<&str>) -> Result<()> {
    install(fast || filter.is_some())?;
    let mut report = Report::default();
    if let Some(filter) = filter {
        report.work("Binaries", || binaries::build(false));
        let run = rust_tests(&mut report, &["--no-tests=pass", filter])?;
        ensure!(run.passed + run.failed > 0, "no test has {filter} in its name");
        return report.finish();
    }
    sources(&mut report)?;
    if !fast {
        dependencies::check(&mut report)?;
    }
    report.work("Binaries", || binaries::build(false));
    rust_tests(&mut report, &[])?;
    if !fast {
        documentation(&mut report)?;
        browser(&mut report)?;
    }
    report.finish()
}

fn install(fast: bool) -> Result<()> {
    need::wasm_target()?;
    need::bubblewrap()?;
    need::cargo_tool("cargo-nextest", "it runs the tests")?;
    need::torture()?;
    if !fast {
        need::cargo_tool("cargo-deny", "it checks licenses and origins of the dependencies")?;
        need::chromium()?;
        need::node_packages()?;
    }
    Ok(())
}

fn sources(report: &mut Report) -> Result<()> {
    report.check("Formatting", cargo(&["fmt", "--all", "--check"]))?;
    let wasm = ["--package", "frontend", "--target", "wasm32-unknown-unknown", "--target-dir", "target/wasm"];
    report.check("Clippy", clippy(&[&["--all-targets"], PRODUCT].concat()))?;
    report.check("Clippy for wasm", clippy(&wasm))?;
    report.check("Clippy of xtask", clippy(&[&["--all-targets"], XTASK].concat()))
}

fn clippy(what: &[&str]) -> Command {
    let mut clippy = cargo(&["clippy"]);
    clippy.args(what).args(["--", "-D", "warnings"]);
    clippy
}

/// Runs the Rust tests and returns how they ended.
fn rust_tests(report: &mut Report, more: &[&str]) -> Result<Count> {
    let programs = need::postgres()?;
    let cluster = step::work("Starting PostgreSQL", || Cluster::start(&programs, false))?;
    let mut sum = Count::default();
    for (name, members) in [("Rust tests", PRODUCT), ("Tests of xtask", XTASK)] {
        let mut nextest = cargo(&["nextest", "run", "--profile", "ci", "--color", "never"]);
        nextest.args(members).args(more).env("CASTELLAN_TEST_POSTGRES_URL", &cluster.url);
        sum += report.suite(name, nextest, |outcome| {
            let count = count::nextest(&outcome.output).unwrap_or_default();
            // A filter leaves tests out on purpose.
            Ok(if more.is_empty() { count } else { Count { skipped: 0, ..count } })
        })?;
    }
    Ok(sum)
}

fn documentation(report: &mut Report) -> Result<()> {
    let mut examples = cargo(&["test", "--doc"]);
    examples.args(PRODUCT);
    report.suite("Examples in documentation", examples, |outcome| Ok(count::doc_tests(&outcome.output)))?;
    let mut pages = cargo(&["doc", "--no-deps"]);
    pages.args(PRODUCT).env("RUSTDOCFLAGS", "-D warnings");
    report.check("Documentation", pages)
}

fn browser(report: &mut Report) -> Result<()> {
    let file = path("target/playwright.json");
    // The report of an earlier run must not be taken for this one's; mostly there is none.
    drop(std::fs::remove_file(&file));
    let mut playwright: Command = command("npx");
    playwright
        .args(["playwright", "test", "--reporter=list,json"])
        .current_dir(path("end2end"))
        .env("PLAYWRIGHT_JSON_OUTPUT_FILE", &file);
    let count = |outcome: &Outcome| match std::fs::read_to_string(&file) {
        Ok(json) => Ok(count::playwright(&json)?),
        Err(_) => Ok(Count::one(outcome.success)), // it ended before it could report
    };
    report.suite("Browser tests", playwright, count).map(drop)
}

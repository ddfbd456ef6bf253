//! Test command: runs all tests, each as a named step.

mod api_contract;
mod commits;
mod counts;
mod dependencies;
mod postgres;
mod report;
mod setup;

use crate::{
    binaries, prerequisites,
    root::{cargo, command, path},
    step::{self, Outcome},
};
use anyhow::{Result, ensure};
use counts::Counts;
use report::Report;
use std::process::Command;

pub use postgres::Cluster;
pub use setup::set_up;

/// Workspace members that are checked together for the native target.
///
/// The excluded members would unify features: those of the frontend would make the server hydrate, and those of xtask would
/// compile every dependency of the server a second time.
pub const PRODUCT: &[&str] = &["--workspace", "--exclude", "frontend", "--exclude", "xtask"];
const XTASK: &[&str] = &["--package", "xtask"];

/// Installs the prerequisites of the tests, runs all tests and prints the counts.
///
/// With a filter, runs only the Rust tests whose names contain it.
///
/// # Errors
/// Fails if a prerequisite cannot be installed, or a test failed or was skipped.
pub fn test(fast: bool, filter: Option<&str>) -> Result<()> {
    let installed = install(fast || filter.is_some())?;
    let mut report = Report::default();
    if let Some(filter) = filter {
        report.run_fn("Binaries", || binaries::build(false));
        let run = rust_tests(&mut report, &["--no-tests=pass", filter])?;
        ensure!(run.passed + run.failed > 0, "no test name contains {filter}");
        return report.finish();
    }
    sources(&mut report)?;
    alert_rules(&mut report)?;
    commits::check(&mut report)?;
    if !fast {
        unused_and_misspelled(&mut report)?;
        dependencies::check(&mut report)?;
        // Otherwise this run has just proved it.
        if !installed {
            setup::check(&mut report)?;
        }
    }
    report.run_fn("Binaries", || binaries::build(false));
    rust_tests(&mut report, &[])?;
    if !fast {
        documentation(&mut report)?;
        api_contract::check(&mut report)?;
        browser(&mut report)?;
    }
    report.finish()
}

/// Builds Castellan and runs the contract tests of the API alone.
///
/// # Errors
/// Fails if a prerequisite cannot be installed, or a test failed.
pub fn contract() -> Result<()> {
    prerequisites::wasm_target()?;
    prerequisites::bubblewrap()?;
    binaries::build(false)?;
    let mut report = Report::default();
    api_contract::check(&mut report)?;
    report.finish()
}

/// Returns whether a tool from the crate registry was missing.
fn install(fast: bool) -> Result<bool> {
    prerequisites::wasm_target()?;
    prerequisites::bubblewrap()?;
    prerequisites::torture_tools()?;
    prerequisites::promtool()?;
    if !fast {
        prerequisites::chromium()?;
        prerequisites::node_packages()?;
        prerequisites::schemathesis()?;
    }
    setup::tools(fast)
}

fn sources(report: &mut Report) -> Result<()> {
    report.check("Formatting", cargo(&["fmt", "--all", "--check"]))?;
    let wasm = ["--package", "frontend", "--target", "wasm32-unknown-unknown", "--target-dir", "target/wasm"];
    report.check("Clippy", clippy(&[&["--all-targets"], PRODUCT].concat()))?;
    report.check("Clippy for wasm", clippy(&wasm))?;
    report.check("Clippy of xtask", clippy(&[&["--all-targets"], XTASK].concat()))
}

/// Checks the alert rules for Prometheus and runs their tests.
fn alert_rules(report: &mut Report) -> Result<()> {
    for (name, what, file) in
        [("Alert rules", "check", "castellan.rules.yml"), ("Tests of alert rules", "test", "castellan.rules.test.yml")]
    {
        let mut promtool = command("promtool");
        promtool.args([what, "rules", file]).current_dir(path("deploy/prometheus"));
        report.check(name, promtool)?;
    }
    Ok(())
}

fn clippy(what: &[&str]) -> Command {
    let mut clippy = cargo(&["clippy"]);
    clippy.args(what).args(["--", "-D", "warnings"]);
    clippy
}

/// Runs the Rust tests and returns their counts.
fn rust_tests(report: &mut Report, more: &[&str]) -> Result<Counts> {
    let programs = prerequisites::postgres()?;
    let cluster = step::run_fn("Starting PostgreSQL", || Cluster::start(&programs, false))?;
    let mut sum = Counts::default();
    for (name, members) in [("Rust tests", PRODUCT), ("Tests of xtask", XTASK)] {
        let mut nextest = cargo(&["nextest", "run", "--profile", "ci", "--color", "never"]);
        nextest.args(members).args(more).env("CASTELLAN_TEST_POSTGRES_URL", &cluster.url);
        sum += report.suite(name, nextest, |outcome| {
            let count = counts::nextest(&outcome.output).unwrap_or_default();
            // A filter skips tests on purpose.
            Ok(if more.is_empty() { count } else { Counts { skipped: 0, ..count } })
        })?;
    }
    Ok(sum)
}

/// Checks for unused dependencies, and for misspelled words in the whole tree.
fn unused_and_misspelled(report: &mut Report) -> Result<()> {
    // Run by its own name: as a cargo command below `cargo run` it takes its name for a folder.
    let mut machete = command("cargo-machete");
    machete.args(["app", "crates", "runner", "server", "xtask"]).env_remove("CARGO");
    report.check("Unused dependencies", machete)?;
    report.check("Spelling", command("typos"))
}

fn documentation(report: &mut Report) -> Result<()> {
    let mut examples = cargo(&["test", "--doc"]);
    examples.args(PRODUCT);
    report.suite("Examples in documentation", examples, |outcome| Ok(counts::doc_tests(&outcome.output)))?;
    let mut pages = cargo(&["doc", "--no-deps"]);
    pages.args(PRODUCT).env("RUSTDOCFLAGS", "-D warnings");
    report.check("Documentation", pages)
}

fn browser(report: &mut Report) -> Result<()> {
    let file = path("target/playwright.json");
    // A report of an earlier run must not be mistaken for the report of this one.
    drop(std::fs::remove_file(&file));
    let mut playwright: Command = command("npx");
    playwright
        .args(["playwright", "test", "--reporter=list,json"])
        .current_dir(path("end2end"))
        .env("PLAYWRIGHT_JSON_OUTPUT_FILE", &file);
    let count = |outcome: &Outcome| match std::fs::read_to_string(&file) {
        Ok(json) => Ok(counts::playwright(&json)?),
        Err(_) => Ok(Counts::one(outcome.success)), // Playwright failed before it could write a report
    };
    report.suite("Browser tests", playwright, count).map(drop)
}

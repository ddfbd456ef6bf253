//! Benchmark command: builds the programs and starts the benchmark (`crates/bench/`) on them.

use crate::{
    binaries, prerequisites,
    root::{cargo, command, path},
    step,
    test::Cluster,
};
use anyhow::{Result, ensure};
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Arguments {
    /// Build profile; the figures of dev builds mean little
    #[arg(long, default_value = "release", value_parser = ["release", "dev"])]
    profile: String,
    /// Run with less data, in about two minutes
    #[arg(long)]
    short: bool,
    /// Run only the groups whose name contains this text
    #[arg(long)]
    only: Option<String>,
    /// Write the figures to this file as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// Folder for temporary data, on the disk to be measured [default: target/bench]
    #[arg(long)]
    data: Option<PathBuf>,
}

/// Builds the programs, runs the benchmark and prints a table. A missed target is printed as missed and is not an error.
///
/// # Errors
/// Fails if a prerequisite is missing, the build fails, or a measured program responds with an error.
pub fn bench(arguments: &Arguments) -> Result<()> {
    prerequisites::wasm_target()?;
    prerequisites::bubblewrap()?;
    let programs = prerequisites::postgres()?;
    let release = arguments.profile == "release";
    binaries::build(release)?;
    step::build("Building the benchmark", cargo(&["build", "--package", "bench", "--profile", &arguments.profile]))?;
    let cluster = step::run_fn("Starting PostgreSQL", || Cluster::start(&programs, true))?;
    let built = path(if release { "target/release" } else { "target/debug" });
    let mut measure = command(&built.join("bench").to_string_lossy());
    measure.args(["run", "--postgres", &cluster.url]).arg("--binaries").arg(&built);
    measure.arg("--site").arg(path("target/site"));
    measure.arg("--data").arg(arguments.data.clone().unwrap_or_else(|| path("target/bench")));
    measure.args(arguments.short.then_some("--short"));
    if let Some(only) = &arguments.only {
        measure.args(["--only", only]);
    }
    if let Some(file) = &arguments.json {
        measure.arg("--json").arg(std::env::current_dir()?.join(file));
    }
    let status = measure.status()?;
    drop(cluster);
    ensure!(status.success(), "some figures could not be measured");
    Ok(())
}

//! Builds what is to be measured, and starts the program that measures it (`crates/bench/`).

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::binaries;
use crate::need;
use crate::root::{cargo, command, path};
use crate::step;
use crate::test::Cluster;

#[derive(clap::Args)]
pub struct Arguments {
    /// How it is built: release, or dev, whose figures mean little
    #[arg(long, default_value = "release", value_parser = ["release", "dev"])]
    profile: String,
    /// Smaller numbers, in about two minutes
    #[arg(long)]
    short: bool,
    /// Only groups of figures whose name contains this
    #[arg(long)]
    only: Option<String>,
    /// Write the figures into this file
    #[arg(long)]
    json: Option<PathBuf>,
    /// Where to keep data meanwhile: on the disk that is to be measured [default: target/bench]
    #[arg(long)]
    data: Option<PathBuf>,
}

/// Builds, measures, and prints a table. A figure that misses its aim is printed as missed and is no error.
///
/// # Errors
/// When something is missing or does not build, and when what is measured answers with an error.
pub fn bench(arguments: &Arguments) -> Result<()> {
    need::wasm_target()?;
    need::bubblewrap()?;
    let programs = need::postgres()?;
    let release = arguments.profile == "release";
    binaries::build(release)?;
    step::run(
        "Building the measuring program",
        cargo(&["build", "--package", "bench", "--profile", &arguments.profile]),
    )?;
    let cluster = step::work("Starting PostgreSQL", || Cluster::start(&programs, true))?;
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
    ensure!(status.success(), "not everything could be measured");
    Ok(())
}

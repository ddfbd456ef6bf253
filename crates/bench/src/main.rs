//! Benchmarks of Castellan against the raw limits of its machine (`cargo xtask bench` builds and starts it).
mod figure;
mod group;
mod http;
mod load;
mod process;
mod program;
mod raw;
mod report;
mod spread;
mod world;

use anyhow::{Context, Result};
use clap::Parser;
use group::{Bench, BenchDatabase, burst, changes, claims, output, pages, sign_in, size, tasks};
use std::{path::PathBuf, process::ExitCode};

#[derive(Debug, Parser)]
enum Command {
    /// Measure
    Run(Run),
    /// Serve bare pages for another benchmark process
    BarePage,
}

#[derive(Debug, clap::Args)]
struct Run {
    /// Folder of castellan and castellan-runner
    #[arg(long)]
    binaries: PathBuf,
    /// Folder of the files that browsers load
    #[arg(long)]
    site: PathBuf,
    /// Folder for temporary data, on the disk to measure
    #[arg(long)]
    data: PathBuf,
    /// PostgreSQL cluster in which databases can be created
    #[arg(long)]
    postgres: String,
    /// Use smaller numbers, which take about two minutes
    #[arg(long)]
    short: bool,
    /// Run only groups whose name contains this
    #[arg(long)]
    only: Option<String>,
    /// Write the rows to this file
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Run(run) => measure(run),
        Command::BarePage => tokio::runtime::Runtime::new()
            .context("the runtime cannot be started")
            .and_then(|of| of.block_on(raw::page::serve()))
            .map(|()| 0),
    };
    match done {
        Ok(0) => ExitCode::SUCCESS,
        Ok(errors) => {
            eprintln!("\n{errors} groups ended with an error");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures each group in turn and returns how many failed. A missed target is not a failure.
fn measure(run: Run) -> Result<usize> {
    let Run { binaries, site, data, postgres, short, only, json } = run;
    let binaries = binaries.canonicalize().with_context(|| format!("{} is not there", binaries.display()))?;
    std::fs::create_dir_all(&data)?;
    let data = data.canonicalize()?;
    let mut bench = Bench { binaries, data, short, figures: vec![] };
    let there = BenchDatabase::Postgres(&postgres);
    type Group<'a> = (&'static str, &'a dyn Fn(&mut Bench) -> Result<()>);
    let groups: [Group<'_>; 14] = [
        ("size", &|bench| size::measure(bench, &site)),
        ("chain", &changes::verification),
        ("changes", &|bench| changes::measure(bench, BenchDatabase::Sqlite)),
        ("tasks", &|bench| tasks::measure(bench, BenchDatabase::Sqlite)),
        ("burst", &|bench| burst::measure(bench, BenchDatabase::Sqlite)),
        ("output", &|bench| output::measure(bench, BenchDatabase::Sqlite)),
        ("pages", &|bench| pages::measure(bench, BenchDatabase::Sqlite)),
        ("sign-in", &|bench| sign_in::measure(bench, BenchDatabase::Sqlite)),
        ("postgres-changes", &|bench| changes::measure(bench, there)),
        ("postgres-tasks", &|bench| tasks::measure(bench, there)),
        ("postgres-burst", &|bench| burst::measure(bench, there)),
        ("postgres-pages", &|bench| pages::measure(bench, there)),
        ("postgres-sign-in", &|bench| sign_in::measure(bench, there)),
        ("postgres-claims", &|bench| claims::measure(bench, &postgres)),
    ];
    let mut errors = 0;
    for (name, group) in groups.iter().filter(|(name, _)| only.as_ref().is_none_or(|only| name.contains(only.as_str())))
    {
        println!("{name}");
        if let Err(error) = group(&mut bench) {
            println!("  {error:#}");
            errors += 1;
        }
    }
    report::sum_up(&bench.figures);
    if let Some(file) = json {
        report::write(&bench.figures, &file)?;
    }
    Ok(errors)
}

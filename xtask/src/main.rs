//! Developer commands: set up, build, run and test Castellan (`cargo xtask --help`).

mod bench;
mod binaries;
mod dev;
mod dist;
mod fixture;
mod prerequisites;
mod released_migrations;
mod root;
#[cfg(test)]
mod rules;
mod screenshots;
mod serve;
mod site;
mod step;
mod test;
mod torture;

use clap::Parser;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer commands", version)]
enum Command {
    /// Install what is missing, build, and start Castellan on http://127.0.0.1:9876 with ./data
    Serve {
        /// Build optimized binaries (slower to build, faster to run)
        #[arg(long)]
        release: bool,
        /// Arguments for `castellan serve`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Build the self-contained binaries target/release/castellan and target/release/castellan-runner
    Build,
    /// Build what browsers load, in target/site
    Site,
    /// Build the archive of a release, with license texts, bill of materials and checksums, in target/dist
    Dist,
    /// Serve, and rebuild and restart when a source file changes
    Dev {
        /// Arguments for `castellan serve`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Build, and take screenshots of every page into target/screenshots and docs/screenshots
    Screenshots,
    /// Compare optimized binaries with the raw limits of this machine
    Bench(bench::Arguments),
    /// Install the prerequisites of the tests and run all tests
    Test {
        /// Skip browser tests, contract tests of the API, documentation, spelling and dependency checks
        #[arg(long)]
        fast: bool,
        /// Run only the Rust tests whose name contains this text
        filter: Option<String>,
    },
    /// Build, and compare a running server with its OpenAPI document, as the tests do
    Contract,
    /// Keep data of this version, made by its programs, for the upgrade tests of later versions, and record its migrations as released
    Fixture {
        /// Replace the data of this version, which is not released yet
        #[arg(long)]
        replace: bool,
    },
    /// Install the tools of the tests and check the dependencies, as the tests do from nothing
    #[command(hide = true)]
    SetUp,
    /// Run the fault-injection tests at full length, for about an hour
    Torture {
        /// Run them as short as in the test suite: two minutes
        #[arg(long)]
        short: bool,
        /// Repeat the run that printed this seed
        #[arg(long)]
        seed: Option<u64>,
        /// Run only the tests whose name contains this text
        filter: Option<String>,
    },
}

fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Serve { release, arguments } => serve::serve(release, &arguments),
        Command::Build => binaries::build_release(),
        Command::Site => site::build(site::Quality::Dev).map(drop),
        Command::Dist => dist::dist(),
        Command::Dev { arguments } => dev::dev(&arguments),
        Command::Screenshots => screenshots::screenshots(),
        Command::Bench(arguments) => bench::bench(&arguments),
        Command::Test { fast, filter } => test::test(fast, filter.as_deref()),
        Command::Contract => test::contract(),
        Command::Fixture { replace } => fixture::fixture(replace),
        Command::SetUp => test::set_up(),
        Command::Torture { short, seed, filter } => torture::torture(short, seed, filter.as_deref()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

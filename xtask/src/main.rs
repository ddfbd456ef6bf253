//! The developer's commands: set up, build, run, and test Castellan (`cargo xtask --help`).

mod bench;
mod binaries;
mod dev;
mod need;
mod root;
#[cfg(test)]
mod rules;
mod screenshots;
mod serve;
mod site;
mod step;
mod test;
mod torture;

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The developer's commands", version)]
enum Command {
    /// Install what is missing, build, and start Castellan on http://127.0.0.1:9876 with ./data
    Serve {
        /// Build optimized binaries (slower to build, faster to run)
        #[arg(long)]
        release: bool,
        /// Passed on to `castellan serve`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Build target/release/castellan and castellan-runner, each complete in itself
    Build,
    /// Serve, and rebuild and restart whenever a source file changes
    Dev {
        /// Passed on to `castellan serve`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Build, and take pictures of every page into target/screenshots and docs/screenshots
    Screenshots,
    /// Measure optimized binaries against the raw limits of this machine
    Bench(bench::Arguments),
    /// Install what the tests need, and run all of them
    Test {
        /// Leave out the browser, the documentation and the dependency policy
        #[arg(long)]
        fast: bool,
        /// Run only the Rust tests whose name contains this
        filter: Option<String>,
    },
    /// Kill, cut off, fill up and hold fast everything while it works, for about an hour; fails when anything is lost
    Torture {
        /// As short as it is among the tests: two minutes
        #[arg(long)]
        short: bool,
        /// Repeat the run that printed this number
        #[arg(long)]
        seed: Option<u64>,
        /// Run only the tests whose name contains this
        filter: Option<String>,
    },
}

fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Serve { release, arguments } => serve::serve(release, &arguments),
        Command::Build => binaries::build_release(),
        Command::Dev { arguments } => dev::dev(&arguments),
        Command::Screenshots => screenshots::screenshots(),
        Command::Bench(arguments) => bench::bench(&arguments),
        Command::Test { fast, filter } => test::test(fast, filter.as_deref()),
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

//! The binary `castellan`.
use clap::Parser;
use server::{cli, keys};
use std::process::ExitCode;

/// Pages are made of many small pieces: this one takes and gives them back quickly, and soon returns to the system what a burst
/// needed (`.cargo/config.toml` says how soon).
#[global_allocator]
static MEMORY: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    // Before any thread of ours is started: the keys leave the environment, and the process can no longer be dumped.
    let given = match keys::take_secrets() {
        Ok(given) => given,
        Err(error) => return fail(&error.to_string()),
    };
    if let Err(error) = keys::harden_process() {
        return fail(&error.to_string());
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start: {error}")),
    };
    match runtime.block_on(cli::run(arguments, given)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure.to_string()),
    }
}

fn fail(text: &str) -> ExitCode {
    eprintln!("castellan: {text}");
    ExitCode::FAILURE
}

//! Entry point of the `castellan` binary.
use clap::Parser;
use server::{cli, keys};
use std::process::ExitCode;

/// Rendering makes many small allocations. jemalloc handles them quickly and returns memory to the system soon after a burst
/// (decay times are set in `.cargo/config.toml`).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    // Before any thread starts: remove keys from the environment and disable core dumps.
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
        Err(failure) => {
            fail(&failure.to_string());
            ExitCode::from(failure.status())
        }
    }
}

fn fail(text: &str) -> ExitCode {
    eprintln!("castellan: {text}");
    ExitCode::FAILURE
}

//! Entry point of the `castellan` binary.

#![deny(clippy::print_stdout, clippy::print_stderr)] // they panic if the output cannot be written

use clap::Parser;
use server::{cli, failure::Failure, keys};
use std::{
    io::{Write, stderr},
    process::ExitCode,
};

/// Rendering makes many small allocations. jemalloc handles them quickly and returns memory to the system soon after a burst
/// (decay times are set in `.cargo/config.toml`).
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = match cli::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(help) => {
            let status = ExitCode::from(u8::try_from(help.exit_code()).unwrap_or(2));
            return help.print().map_or_else(|error| fail(&Failure::of_output(&error)), |()| status);
        }
    };
    // Before any thread starts: remove keys from the environment and disable core dumps.
    let given = match keys::take_secrets() {
        Ok(given) => given,
        Err(error) => return fail(&error.into()),
    };
    if let Err(error) = keys::harden_process() {
        return fail(&error.into());
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Failure::new(format!("cannot start: {error}"))),
    };
    match runtime.block_on(cli::run(arguments, given)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure),
    }
}

fn fail(failure: &Failure) -> ExitCode {
    let text = failure.to_string();
    if !text.is_empty() {
        let _ = writeln!(stderr(), "castellan: {text}"); // standard error may be closed
    }
    ExitCode::from(failure.status())
}

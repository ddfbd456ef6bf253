//! The binary `castellan`.
use clap::Parser;
use server::{cli, keys};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    // Before any thread is started: the key leaves the environment, and the process can no longer be dumped.
    let key = match keys::take_encryption_key() {
        Ok(key) => key,
        Err(error) => return fail(&error.to_string()),
    };
    if let Err(error) = keys::harden_process() {
        return fail(&error.to_string());
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start: {error}")),
    };
    match runtime.block_on(cli::run(arguments, key)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure.to_string()),
    }
}

fn fail(text: &str) -> ExitCode {
    eprintln!("castellan: {text}");
    ExitCode::FAILURE
}

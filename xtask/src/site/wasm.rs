//! Wasm compilation of the islands.

use crate::{
    root::{cargo, path},
    step,
};
use anyhow::{Result, bail};
use std::{
    io,
    path::PathBuf,
    process::{Command, Output, Stdio},
    thread::{self, JoinHandle},
};

/// Compiles the frontend.
///
/// # Errors
/// Fails if the frontend does not compile.
pub fn compile() -> Result<PathBuf> {
    step::build("Building wasm", command())?;
    Ok(file())
}

/// A compilation that runs beside another build.
pub struct Compilation(JoinHandle<io::Result<Output>>);

impl Compilation {
    pub fn start() -> Self {
        Self(thread::spawn(|| command().stdin(Stdio::null()).output()))
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// Fails if the frontend does not compile.
    pub fn finish(self) -> Result<PathBuf> {
        step::run_fn("Building wasm", || {
            let Ok(output) = self.0.join() else { bail!("the thread that builds wasm has panicked") };
            let output = output?;
            if !output.status.success() {
                bail!("building wasm failed:\n{}", String::from_utf8_lossy(&output.stderr));
            }
            Ok(file())
        })
    }
}

/// Returns the command, with a target folder of its own, so that the server can be built at the same time.
fn command() -> Command {
    cargo(&[
        "build",
        "--package",
        "frontend",
        "--target",
        "wasm32-unknown-unknown",
        "--profile",
        "wasm-release",
        "--target-dir",
        "target/wasm",
    ])
}

fn file() -> PathBuf {
    path("target/wasm/wasm32-unknown-unknown/wasm-release/frontend.wasm")
}

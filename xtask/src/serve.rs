//! Serve command: from a clean clone to a running Castellan.

use crate::{
    binaries, prerequisites,
    root::{command, path},
};
use anyhow::{Context, Result};
use std::os::unix::process::CommandExt;

/// Installs missing prerequisites, builds Castellan and replaces this process with `castellan serve`.
///
/// # Errors
/// Fails if a prerequisite cannot be installed, the build fails, or the server cannot be started.
pub fn serve(release: bool, arguments: &[String]) -> Result<()> {
    prerequisites::wasm_target()?;
    prerequisites::bubblewrap()?;
    binaries::build(release)?;
    let program = if release { "target/release/castellan" } else { "target/debug/castellan" };
    let mut server = command(&path(program).to_string_lossy());
    // The server replaces this process, so that it receives signals directly.
    Err(server.arg("serve").args(arguments).exec()).context("cannot start castellan")
}

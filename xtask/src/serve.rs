//! From a clean clone to a running Castellan.

use std::os::unix::process::CommandExt;

use anyhow::{Context, Result};

use crate::binaries;
use crate::need;
use crate::root::{command, path};

/// Installs what is missing, builds, and becomes `castellan serve`.
///
/// # Errors
/// When something is missing and cannot be installed, does not build, or the server cannot be started.
pub fn serve(release: bool, arguments: &[String]) -> Result<()> {
    need::wasm_target()?;
    need::bubblewrap()?;
    binaries::build(release)?;
    let program = if release { "target/release/castellan" } else { "target/debug/castellan" };
    let mut server = command(&path(program).to_string_lossy());
    // The server takes our place, so that signals reach it directly.
    Err(server.arg("serve").args(arguments).exec()).context("cannot start castellan")
}

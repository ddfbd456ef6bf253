//! What the commands need on this machine; what is missing is installed, and each install is announced with its reason.

mod debian;
mod postgres;
mod rust;
mod torture;

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::root::{command, path};
use crate::step;

pub use postgres::postgres;
pub use rust::{cargo_tool, wasm_target};
pub use torture::torture;

/// The sandbox every task runs in.
///
/// # Errors
/// When it is missing and cannot be installed.
pub fn bubblewrap() -> Result<()> {
    if program("bwrap").is_some() {
        return Ok(());
    }
    debian::install("bubblewrap", "tasks run in its sandbox, and never without")
}

/// The browser of the browser tests.
///
/// # Errors
/// When it is missing and cannot be installed.
pub fn chromium() -> Result<()> {
    if program("chromium").is_some() {
        return Ok(());
    }
    debian::install("chromium", "the browser tests drive it")
}

/// Node's packages for the browser tests, as their lock file names them.
///
/// # Errors
/// When Node is missing, or its packages cannot be installed.
pub fn node_packages() -> Result<()> {
    if program("npm").is_none() {
        bail!("The browser tests need Node 20 or later with npm (https://nodejs.org); install it and run this again.");
    }
    let changed = |file: &str| std::fs::metadata(path(file)).and_then(|about| about.modified()).ok();
    // npm writes the second file when it has installed what the first one names.
    if changed("end2end/node_modules/.package-lock.json") >= changed("end2end/package-lock.json") {
        return Ok(());
    }
    println!("Installing end2end/node_modules: the browser tests use Playwright.");
    let mut npm = command("npm");
    npm.args(["ci", "--no-audit", "--no-fund"])
        .current_dir(path("end2end"))
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    step::run("Running npm ci", npm).map(drop)
}

/// Where a program is, looked for in `PATH`.
pub fn program(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Whether we run as root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

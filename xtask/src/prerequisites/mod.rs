//! Prerequisites of the commands: installs what is missing on this machine and says why.

mod debian;
mod postgres;
mod prometheus;
mod rust;
mod schemathesis;
mod torture_tools;

use crate::{
    root::{command, path, search_path},
    step,
};
use anyhow::{Result, bail};
use std::path::PathBuf;

pub use postgres::postgres;
pub use prometheus::promtool;
pub use rust::{cargo_tool, wasm_target};
pub use schemathesis::schemathesis;
pub use torture_tools::torture_tools;

/// Installs bubblewrap, the sandbox that every task runs in.
///
/// # Errors
/// Fails if it is missing and cannot be installed.
pub fn bubblewrap() -> Result<()> {
    if program("bwrap").is_some() {
        return Ok(());
    }
    debian::install("bubblewrap", "every task runs in its sandbox")
}

/// Installs Chromium for the browser tests.
///
/// # Errors
/// Fails if it is missing and cannot be installed.
pub fn chromium() -> Result<()> {
    if program("chromium").is_some() {
        return Ok(());
    }
    debian::install("chromium", "the browser tests drive it")
}

/// Installs the Node packages of the browser tests from their lock file.
///
/// # Errors
/// Fails if Node is missing, or its packages cannot be installed.
pub fn node_packages() -> Result<()> {
    if program("npm").is_none() {
        bail!("The browser tests need Node 20 or later with npm (https://nodejs.org); install it and run this again.");
    }
    let modified = |file: &str| std::fs::metadata(path(file)).and_then(|metadata| metadata.modified()).ok();
    // npm writes .package-lock.json after it has installed the packages.
    if modified("end2end/node_modules/.package-lock.json") >= modified("end2end/package-lock.json") {
        return Ok(());
    }
    println!("Installing end2end/node_modules: the browser tests use Playwright.");
    let mut npm = command("npm");
    npm.args(["ci", "--no-audit", "--no-fund"])
        .current_dir(path("end2end"))
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    step::run("Running npm ci", npm).map(drop)
}

/// Returns the path of a program, searched for in `PATH` and among those that cargo installed.
pub fn program(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&search_path()).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Returns whether this process runs as root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

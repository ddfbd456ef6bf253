//! Pictures of every page: for looking at after a change, and for the documents.

use anyhow::Result;

use crate::binaries;
use crate::need;
use crate::root::{command, path};
use crate::step;

/// Builds, opens every page in a browser, and writes what it looks like to target/screenshots and docs/screenshots.
///
/// # Errors
/// When something is missing and cannot be installed, does not build, or a page scrolls sideways or moves after it was painted.
pub fn screenshots() -> Result<()> {
    need::wasm_target()?;
    need::bubblewrap()?;
    need::chromium()?;
    need::node_packages()?;
    binaries::build(false)?;
    let mut playwright = command("npx");
    playwright.args(["playwright", "test", "--config", "screenshot.config.ts"]).current_dir(path("end2end"));
    step::run("Taking pictures", playwright)?;
    println!("{}", path("target/screenshots/index.html").display());
    Ok(())
}

//! Screenshots of every page, for review after a change and for the documentation.

use crate::{
    binaries, prerequisites,
    root::{command, path},
    step,
};
use anyhow::Result;

/// Builds Castellan, opens every page in a browser and writes screenshots to target/screenshots and docs/screenshots.
///
/// # Errors
/// Fails if a prerequisite cannot be installed, the build fails, or a page scrolls sideways or shifts after it was painted.
pub fn screenshots() -> Result<()> {
    prerequisites::wasm_target()?;
    prerequisites::bubblewrap()?;
    prerequisites::chromium()?;
    prerequisites::node_packages()?;
    binaries::build(false)?;
    let mut playwright = command("npx");
    playwright.args(["playwright", "test", "--config", "screenshot.config.ts"]).current_dir(path("end2end"));
    step::run("Taking screenshots", playwright)?;
    println!("{}", path("target/screenshots/index.html").display());
    Ok(())
}

//! Builds of the two programs, `castellan` and `castellan-runner`, and of the site that the server carries.

use crate::{
    prerequisites,
    root::{cargo, path},
    site::{self, Quality},
    step,
};
use anyhow::Result;

/// Builds two self-contained binaries in target/release.
///
/// # Errors
/// Fails if a prerequisite cannot be installed, or the build fails.
pub fn build_release() -> Result<()> {
    prerequisites::wasm_target()?;
    build(true)?;
    for name in ["castellan", "castellan-runner"] {
        let bytes = std::fs::metadata(path("target/release").join(name))?.len();
        println!("target/release/{name}: {} MB", bytes / 1_000_000);
    }
    Ok(())
}

/// Builds the site, the server and the runner.
///
/// # Errors
/// Fails if the build fails.
pub fn build(release: bool) -> Result<()> {
    let mut command = cargo(&["build", "--package", "server", "--package", "runner", "--bins"]);
    let label = "Building server and runner";
    if release {
        // A release build embeds the site and must be rebuilt when the site changes.
        let site = site::build(Quality::Release)?;
        command.args(["--release", "--features", "server/jemalloc"]).env("CASTELLAN_SITE_DIGEST", site.digest);
        step::build(label, command)
    } else {
        // A debug build reads the site from disk.
        site::build_beside(Quality::Dev, || step::build(label, command)).map(drop)
    }
}

//! The two programs, `castellan` and `castellan-runner`, with the site they need.

use anyhow::Result;

use crate::need;
use crate::root::{cargo, path};
use crate::site::{self, Quality};
use crate::step;

/// Two binaries in target/release that need nothing beside them.
///
/// # Errors
/// When something is missing and cannot be installed, or does not build.
pub fn build_release() -> Result<()> {
    need::wasm_target()?;
    build(true)?;
    for name in ["castellan", "castellan-runner"] {
        let bytes = std::fs::metadata(path("target/release").join(name))?.len();
        println!("target/release/{name}: {} MB", bytes / 1_000_000);
    }
    Ok(())
}

/// Builds the site, then the server and the runner.
///
/// # Errors
/// When one of them does not build.
pub fn build(release: bool) -> Result<()> {
    let site = site::build(if release { Quality::Release } else { Quality::Dev })?;
    let mut command = cargo(&["build", "--package", "server", "--package", "runner", "--bins"]);
    if release {
        // An optimized server carries the site inside and must be rebuilt when it changes; otherwise it reads it from disk.
        command.arg("--release").env("CASTELLAN_SITE_DIGEST", site.digest);
    }
    step::run("Building server and runner", command).map(drop)
}

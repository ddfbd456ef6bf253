//! Site build: everything that a browser loads, written to target/site and embedded in the server.

mod bundle;
mod cache;
#[cfg(test)]
mod contrast;
mod digest;
mod script;
mod style;
mod wasm;

use crate::{root::path, step};
use anyhow::Result;
use bundle::Bundle;
use cache::Cache;
use std::path::Path;
use wasm::Compilation;

/// Compression effort.
#[derive(Clone, Copy)]
pub enum Quality {
    Dev,
    Release,
}

impl Quality {
    /// Returns the Brotli quality, 0 to 11.
    fn brotli(self) -> i32 {
        match self {
            Self::Dev => 9,
            Self::Release => 11,
        }
    }
}

/// Result of a site build.
pub struct Site {
    /// Digest over all files of the site.
    pub digest: String,
}

/// Compiles the islands, generates the style sheet and writes target/site: every file with the digest of its content in its
/// name, a Brotli copy (`.br`) of each, and `manifest.json`, which maps logical names to file names.
///
/// # Errors
/// Fails if the frontend does not compile, a style file cannot be read, or a file cannot be written.
pub fn build(quality: Quality) -> Result<Site> {
    write(quality, &wasm::compile()?)
}

/// Builds the site like [`build`], and something else while the islands compile.
///
/// # Errors
/// Fails like [`build`] or the other build.
pub fn build_beside(quality: Quality, other: impl FnOnce() -> Result<()>) -> Result<Site> {
    // A debug build finds its files in this folder, which must exist while it is compiled.
    std::fs::create_dir_all(path("target/site"))?;
    let wasm = Compilation::start();
    let built = other();
    let compiled = wasm.finish()?;
    built?;
    write(quality, &compiled)
}

fn write(quality: Quality, compiled: &Path) -> Result<Site> {
    step::run_fn("Building style and site", || {
        let mut cache = Cache::open()?;
        let mut bundle = Bundle::default();
        script::add(compiled, &mut cache, &mut bundle)?;
        bundle.add_public()?;
        bundle.add("castellan.css", bundle.with_addresses(&style::sheet()?).into_bytes())?;
        let digest = bundle.write(quality, &mut cache)?;
        cache.prune()?;
        Ok(Site { digest })
    })
}

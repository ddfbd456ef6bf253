//! Sizes of the binary and the compressed wasm file.
use super::Bench;
use crate::figure::{Figure, Threshold};
use anyhow::{Context, Result};
use std::{fs, path::Path};

/// Measures the binary and the wasm file.
///
/// # Errors
/// Fails if one of them was not built.
pub fn measure(bench: &mut Bench, site: &Path) -> Result<()> {
    let binary = fs::metadata(bench.binaries.join("castellan"))?.len();
    bench.add(Figure::alone("binary", kilobytes(binary)? / 1e3, "MB", Threshold::AtMost(40.0)));
    let wasm = largest(site)?.with_context(|| format!("no .wasm.br in {}", site.display()))?;
    bench.add(Figure::alone("wasm, compressed", kilobytes(wasm)?, "kB", Threshold::AtMost(120.0)));
    Ok(())
}

fn largest(folder: &Path) -> Result<Option<u64>> {
    let mut found = None;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let size = match entry.file_type()?.is_dir() {
            true => largest(&entry.path())?,
            false if entry.file_name().to_string_lossy().ends_with(".wasm.br") => Some(entry.metadata()?.len()),
            false => None,
        };
        found = found.max(size);
    }
    Ok(found)
}

fn kilobytes(bytes: u64) -> Result<f64> {
    Ok(f64::from(u32::try_from(bytes)?) / 1e3)
}

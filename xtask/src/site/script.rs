//! The wasm file as browsers load it, and the JavaScript that loads it, by wasm-bindgen.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use wasm_bindgen_cli_support::Bindgen;

use super::bundle::Bundle;
use super::cache::Cache;
use super::digest::digest;

/// What both files are called before their digest is put into the name.
const NAME: &str = "castellan";

/// Adds `castellan-DIGEST.js` and `castellan-DIGEST_bg.wasm`.
///
/// Leptos derives both names from its option `output_name`, so they share one digest, over both. The manifest tells it under
/// the name `output_name`.
///
/// # Errors
/// When wasm-bindgen refuses the file, or makes more than these two.
pub fn add(compiled: &Path, cache: &mut Cache, bundle: &mut Bundle) -> Result<()> {
    let raw = std::fs::read(compiled).with_context(|| format!("cannot read {}", compiled.display()))?;
    let made = cache.entry(format!("bindgen-{}", digest(&[&raw])), |folder| bind(compiled, folder))?;
    // A file beside these two would be loaded under a name without a digest, and so from an old copy.
    ensure!(std::fs::read_dir(&made)?.count() == 2, "wasm-bindgen made more than one script: {}", made.display());
    let script = std::fs::read(made.join(format!("{NAME}.js")))?;
    let wasm = std::fs::read(made.join(format!("{NAME}_bg.wasm")))?;
    let output_name = format!("{NAME}-{}", digest(&[&script, &wasm]));
    bundle.add_named(&format!("{NAME}.js"), format!("pkg/{output_name}.js"), script);
    bundle.add_named(&format!("{NAME}_bg.wasm"), format!("pkg/{output_name}_bg.wasm"), wasm);
    bundle.note("output_name", output_name);
    Ok(())
}

fn bind(compiled: &Path, folder: &Path) -> Result<()> {
    Bindgen::new()
        .input_path(compiled)
        .out_name(NAME)
        .web(true)?
        .typescript(false)
        .demangle(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(folder)
}

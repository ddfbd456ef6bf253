//! Wasm compilation of the islands.

use crate::{
    root::{cargo, path},
    step,
};
use anyhow::Result;
use std::path::PathBuf;

/// Compiles the frontend in a target folder of its own, so that the server can be built at the same time.
///
/// # Errors
/// Fails if the frontend does not compile.
pub fn compile() -> Result<PathBuf> {
    let arguments = [
        "build",
        "--package",
        "frontend",
        "--target",
        "wasm32-unknown-unknown",
        "--profile",
        "wasm-release",
        "--target-dir",
        "target/wasm",
    ];
    step::build("Building wasm", cargo(&arguments))?;
    Ok(path("target/wasm/wasm32-unknown-unknown/wasm-release/frontend.wasm"))
}

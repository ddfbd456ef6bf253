//! What Rust itself must bring: the wasm target, and cargo's extra commands.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use super::program;
use crate::root::cargo;
use crate::step;

const WASM: &str = "wasm32-unknown-unknown";

/// The compiler's libraries for what runs in the browser.
///
/// # Errors
/// When they are missing and cannot be installed.
pub fn wasm_target() -> Result<()> {
    let asked = Command::new("rustc").args(["--print", "target-libdir", "--target", WASM]).output()?;
    let folder = String::from_utf8_lossy(&asked.stdout);
    if asked.status.success() && Path::new(folder.trim()).is_dir() {
        return Ok(());
    }
    if program("rustup").is_none() {
        bail!(
            "Rust's {WASM} target is missing. Install it with the package manager that brought rustc, or use rustup."
        );
    }
    println!("Installing Rust's {WASM} target: the islands of the pages are compiled to it.");
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", WASM]);
    step::run("Running rustup target add", rustup).map(drop)
}

/// A command of cargo's that comes as a crate, for instance `cargo-nextest`.
///
/// # Errors
/// When it is missing and cannot be installed.
pub fn cargo_tool(name: &str, reason: &str) -> Result<()> {
    if program(name).is_some() {
        return Ok(());
    }
    println!("Installing {name}: {reason}. This takes some minutes, once.");
    step::run(&format!("Running cargo install {name}"), cargo(&["install", "--locked", name])).map(drop)
}

//! Rust components: the wasm target and additional cargo commands.

use super::program;
use crate::{root::cargo, step};
use anyhow::{Result, bail};
use std::{path::Path, process::Command};

const WASM: &str = "wasm32-unknown-unknown";

/// Installs the wasm32 standard library, which the islands are compiled against.
///
/// # Errors
/// Fails if they are missing and cannot be installed.
pub fn wasm_target() -> Result<()> {
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", WASM]).output()?;
    let folder = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && Path::new(folder.trim()).is_dir() {
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

/// Installs a program from the crate registry, for example `cargo-nextest`.
///
/// # Errors
/// Fails if it is missing and cannot be installed.
pub fn cargo_tool(name: &str, reason: &str) -> Result<()> {
    if program(name).is_some() {
        return Ok(());
    }
    let package: &[&str] = match name {
        "typos" => &["typos-cli"],                              // named differently from its program
        "cargo-about" => &["--features", "cli", "cargo-about"], // a library by default
        name => &[name],
    };
    println!("Installing {name}: {reason}. This takes a few minutes, once.");
    step::run(&format!("Running cargo install {name}"), cargo(&[&["install", "--locked"], package].concat())).map(drop)
}

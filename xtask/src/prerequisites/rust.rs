//! Rust components: the wasm target and additional cargo commands.

use super::program;
use crate::{
    root::{cargo, path},
    step,
};
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

/// Installs a program from the crate registry, for example `cargo-nextest`. Returns whether it was missing.
///
/// # Errors
/// Fails if it is missing and cannot be installed.
pub fn cargo_tool(name: &str, reason: &str) -> Result<bool> {
    if program(name).is_some() {
        return Ok(false);
    }
    let package: &[&str] = match name {
        "cargo-about" => &["--features", "cli", "cargo-about"], // a library by default
        "cargo-cyclonedx" => &["cargo-cyclonedx"],
        // Those of the tests run for seconds: to optimize them would take minutes. The first need not update itself.
        "cargo-nextest" => &["--debug", "--no-default-features", "--features", "default-no-update", "cargo-nextest"],
        "typos" => &["--debug", "typos-cli"], // named differently from its program
        name => &["--debug", name],
    };
    println!("Installing {name}: {reason}. This takes a few minutes, once.");
    let mut install = cargo(&[&["install", "--locked"], package].concat());
    install.env("CARGO_TARGET_DIR", path("target/tools"));
    step::build(&format!("Running cargo install {name}"), install)?;
    Ok(true)
}

//! Debian packages, for Debian and the distributions derived from it.

use super::{is_root, program};
use crate::step;
use anyhow::{Result, bail};
use std::process::Command;

/// Installs a package as root or through sudo.
///
/// # Errors
/// Fails if neither is possible (the message says which command to run instead), or if apt-get fails.
pub fn install(package: &str, reason: &str) -> Result<()> {
    if program("apt-get").is_none() {
        bail!("{package} is missing ({reason}). Install it with your system's package manager and run this again.");
    }
    if !is_root() {
        authenticate_sudo(package, reason)?;
    }
    println!("Installing Debian's {package}: {reason}.");
    let first = step::attempt("Running apt-get install", apt_get(&["install", package]))?;
    if !first.success {
        // The package lists may be outdated, or missing as in a fresh container.
        step::run("Running apt-get update", apt_get(&["update"]))?;
        step::run("Running apt-get install", apt_get(&["install", package]))?;
    }
    Ok(())
}

/// Asks for the sudo password on the terminal, because the steps that follow hide their output.
fn authenticate_sudo(package: &str, reason: &str) -> Result<()> {
    let allowed = program("sudo").is_some() && Command::new("sudo").arg("--validate").status()?.success();
    if !allowed {
        bail!("{package} is missing ({reason}). Run this as root, then try again:\n\n    apt-get install {package}\n");
    }
    Ok(())
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new(if is_root() { "env" } else { "sudo" });
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "--yes", "--no-install-recommends"]).args(arguments);
    command
}

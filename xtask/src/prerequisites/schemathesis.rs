//! Schemathesis, in a virtual environment of Python below `target`.

use super::{debian, program};
use crate::{
    root::{command, path},
    step,
};
use anyhow::Result;
use std::{fs, path::PathBuf};

/// Its packages, pinned with hashes.
const REQUIREMENTS: &str = "server/tests/schemathesis/requirements.txt";

/// Installs Schemathesis from its pinned requirements and returns the program.
///
/// # Errors
/// Fails if Python is missing and cannot be installed, or a package cannot be installed.
pub fn schemathesis() -> Result<PathBuf> {
    let (environment, requirements) = (path("target/schemathesis/python"), fs::read_to_string(path(REQUIREMENTS))?);
    let (schemathesis, installed) = (environment.join("bin/schemathesis"), environment.join("installed.txt"));
    if schemathesis.is_file() && fs::read_to_string(&installed).is_ok_and(|installed| installed == requirements) {
        return Ok(schemathesis);
    }
    println!("Installing Schemathesis: it compares the server with its OpenAPI document.");
    if program("python3").is_none() || !command("python3").args(["-c", "import ensurepip"]).output()?.status.success() {
        debian::install("python3-venv", "Schemathesis is written in Python")?;
    }
    let mut create = command("python3");
    create.args(["-m", "venv", "--clear"]).arg(&environment);
    step::run("Creating a virtual environment", create)?;
    let mut pip = command(&environment.join("bin/pip").to_string_lossy());
    pip.args(["install", "--require-hashes", "--no-deps", "--only-binary", ":all:", "--requirement", REQUIREMENTS]);
    step::run("Running pip install", pip)?;
    fs::write(installed, requirements)?;
    Ok(schemathesis)
}

//! Set-up from nothing: what the tests need from the crate registry is installed as on a machine that has only Rust.

use super::{dependencies, report::Report};
use crate::{
    prerequisites,
    root::{command, path},
};
use anyhow::{Context, Result};
use std::{env, ffi::OsString, fs, path::PathBuf, process::Command};

/// The tools that the tests install from the registry, and why.
const TOOLS: [(&str, &str); 4] = [
    ("cargo-nextest", "it runs the tests"),
    ("cargo-machete", "it finds unused dependencies"),
    ("typos", "it finds misspelled words"),
    ("cargo-deny", "it checks the licenses and sources of the dependencies"),
];

/// Installs the tools that are missing; `fast` leaves out those that the fast tests do not use. Returns whether any was missing.
///
/// # Errors
/// Fails if one is missing and cannot be installed.
pub fn tools(fast: bool) -> Result<bool> {
    let needed = TOOLS.iter().take(if fast { 1 } else { TOOLS.len() });
    let mut any = false;
    for (name, reason) in needed {
        any |= prerequisites::cargo_tool(name, reason)?;
    }
    Ok(any)
}

/// Runs the steps that download something in an environment without any tool or crate.
///
/// # Errors
/// Fails if the environment cannot be made; a step that fails goes into the report.
pub fn check(report: &mut Report) -> Result<()> {
    let home = path("target/setup/home");
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    fs::create_dir_all(home.join("cargo"))?;
    // How this machine reaches the registry, if not directly.
    let config = env::home_dir().map(|own| own.join(".cargo/config.toml")).filter(|file| file.is_file());
    if let Some(config) = config {
        fs::copy(config, home.join("cargo/config.toml"))?;
    }
    let toolchain = PathBuf::from(sysroot()?).join("bin");
    let mut setup = Command::new(env::current_exe()?);
    setup
        .arg("set-up")
        .env_clear()
        .env("HOME", &home)
        .env("CARGO_HOME", home.join("cargo"))
        .env("PATH", env::join_paths([toolchain, "/usr/bin".into(), "/bin".into()])?)
        .envs(proxies());
    report.check("Set-up from nothing", setup)
}

/// Installs the tools and checks the dependencies, which is all that the tests do before they build. Called in the environment that
/// [`check`] makes.
///
/// # Errors
/// Fails if a step fails.
pub fn set_up() -> Result<()> {
    prerequisites::wasm_target()?;
    tools(false)?;
    let mut report = Report::default();
    dependencies::check(&mut report)?;
    report.finish()
}

fn sysroot() -> Result<String> {
    let output = command("rustc").args(["--print", "sysroot"]).output()?;
    Ok(String::from_utf8(output.stdout).context("rustc does not name its folder")?.trim().to_owned())
}

/// The variables with which this machine reaches the registry.
fn proxies() -> impl Iterator<Item = (String, OsString)> {
    let names = ["http_proxy", "https_proxy", "no_proxy", "all_proxy", "ssl_cert_file"];
    env::vars_os().filter_map(move |(name, value)| {
        let name = name.into_string().ok()?;
        let lower = name.to_ascii_lowercase();
        (names.contains(&lower.as_str())
            || lower.starts_with("cargo_registries_")
            || lower.starts_with("cargo_source_"))
        .then_some((name, value))
    })
}

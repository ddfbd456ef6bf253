//! Workspace root: paths relative to it, files below it, and commands run in it.

use anyhow::Result;
use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

/// Returns the root of the workspace.
pub fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Returns a path below the root of the workspace.
pub fn path(relative: &str) -> PathBuf {
    root().join(relative)
}

/// Returns a command that runs a program in the root of the workspace.
pub fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).env("PATH", search_path());
    command
}

/// Returns `PATH` with the folder that cargo installs programs into, which a Rust of the distribution leaves out.
pub fn search_path() -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let home = || env::home_dir().map(|home| home.join(".cargo"));
    let installed = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home).map(|cargo| cargo.join("bin"));
    env::join_paths(env::split_paths(&path).chain(installed)).unwrap_or(path)
}

/// Returns a command for the cargo that started xtask, run in the root of the workspace.
///
/// Two variables are overridden: while Leptos compiles, `LEPTOS_OUTPUT_NAME` would change the name of the wasm file that pages
/// load, and another `CARGO_TARGET_DIR` would put the binaries where neither xtask nor the documentation expects them.
pub fn cargo(arguments: &[&str]) -> Command {
    let program = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut cargo = command(&program);
    cargo.args(arguments).env_remove("LEPTOS_OUTPUT_NAME").env("CARGO_TARGET_DIR", path("target"));
    cargo
}

/// Returns all files below a folder, sorted, without hidden ones. A missing folder has no files.
///
/// # Errors
/// Fails if a folder cannot be read.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if entry.file_type()?.is_dir() {
            found.extend(files_below(&entry.path())?);
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

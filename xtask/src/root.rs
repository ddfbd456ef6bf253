//! The root of the workspace: paths from it, files below it, and programs run there.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

/// The root of the workspace.
pub fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// A path below the root of the workspace.
pub fn path(relative: &str) -> PathBuf {
    root().join(relative)
}

/// A program to be run at the root of the workspace.
pub fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// The cargo that runs us, to be run at the root of the workspace.
///
/// Two variables are ours to decide: set while Leptos compiles, `LEPTOS_OUTPUT_NAME` changes the name of the wasm file that
/// pages ask for; and with another `CARGO_TARGET_DIR` the binaries would not be where we and the documentation say.
pub fn cargo(arguments: &[&str]) -> Command {
    let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut cargo = command(&program);
    cargo.args(arguments).env_remove("LEPTOS_OUTPUT_NAME").env("CARGO_TARGET_DIR", path("target"));
    cargo
}

/// All files below a folder, sorted; none where there is no folder. Names that begin with a dot are passed over.
///
/// # Errors
/// Those of the file system.
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

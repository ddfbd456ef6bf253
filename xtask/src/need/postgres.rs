//! PostgreSQL's server programs, for the throw-away cluster of the tests.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{debian, program};

/// The folder with `initdb`, `postgres` and their clients.
///
/// # Errors
/// When they are missing and cannot be installed.
pub fn postgres() -> Result<PathBuf> {
    if let Some(folder) = find() {
        return Ok(folder);
    }
    debian::install("postgresql", "the tests run on PostgreSQL too, in a throw-away cluster")?;
    find().context("PostgreSQL was installed, but /usr/lib/postgresql/*/bin/initdb is not there")
}

/// The newest version that Debian keeps, or what is in `PATH`.
fn find() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| folder.join("initdb").is_file())
        .collect();
    versions.sort();
    let in_path = || Some(program("initdb")?.canonicalize().ok()?.parent()?.to_owned());
    versions.pop().map(|(_, folder)| folder).or_else(in_path)
}

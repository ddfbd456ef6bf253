//! PostgreSQL server programs for the temporary cluster of the tests.

use super::{debian, program};
use anyhow::{Context, Result};
use std::path::PathBuf;

/// Returns the folder with `initdb`, `postgres` and their clients, installing them first when they are missing.
///
/// # Errors
/// Fails if they are missing and cannot be installed.
pub fn postgres() -> Result<PathBuf> {
    if let Some(folder) = find() {
        return Ok(folder);
    }
    debian::install("postgresql", "the tests also run on PostgreSQL, in a temporary cluster")?;
    find().context("PostgreSQL was installed, but /usr/lib/postgresql/*/bin/initdb is not there")
}

/// Returns the newest version installed by Debian, or else the one in `PATH`.
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

//! Programs that the torture tests use to kill, delay and block Castellan.

use super::{debian, program};
use anyhow::Result;
use std::path::Path;

/// Installs strace, libfaketime and the sqlite3 shell.
///
/// # Errors
/// Fails if one of them is missing and cannot be installed.
pub fn torture_tools() -> Result<()> {
    if program("strace").is_none() {
        debian::install("strace", "a test kills the server at every fsync")?;
    }
    if program("sqlite3").is_none() {
        debian::install("sqlite3", "a test lets a second program hold the database lock")?;
    }
    if !has_faketime(Path::new("/usr/lib")) {
        debian::install("libfaketime", "a test shifts the clock of Castellan alone")?;
    }
    Ok(())
}

/// Returns whether Debian has installed the library, for whichever architecture.
fn has_faketime(libraries: &Path) -> bool {
    let folders = std::fs::read_dir(libraries).into_iter().flatten().flatten();
    folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1")).any(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::has_faketime;

    #[test]
    fn libfaketime_is_found_for_every_architecture() {
        let libraries = std::env::temp_dir().join(format!("castellan-libraries-{}", std::process::id()));
        let folder = libraries.join("aarch64-linux-gnu/faketime");
        std::fs::create_dir_all(&folder).unwrap();
        assert!(!has_faketime(&libraries));
        std::fs::write(folder.join("libfaketimeMT.so.1"), "").unwrap();
        assert!(has_faketime(&libraries));
        std::fs::remove_dir_all(libraries).unwrap();
    }
}

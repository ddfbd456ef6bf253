//! What the tests need that kill, fill up and hold fast what runs.

use std::path::Path;

use anyhow::Result;

use super::{debian, program};

/// A tracer that kills at a system call, a clock that can be moved, and another program that opens the database.
///
/// # Errors
/// When one of them is missing and cannot be installed.
pub fn torture() -> Result<()> {
    if program("strace").is_none() {
        debian::install("strace", "a test kills the server at every fsync")?;
    }
    if program("sqlite3").is_none() {
        debian::install("sqlite3", "a test has a second program hold the database's lock")?;
    }
    if !has_faketime(Path::new("/usr/lib")) {
        debian::install("libfaketime", "a test moves the clock of the programs, and of nothing else")?;
    }
    Ok(())
}

/// Whether the library is where Debian keeps it, in the folder of whatever architecture.
fn has_faketime(libraries: &Path) -> bool {
    let folders = std::fs::read_dir(libraries).into_iter().flatten().flatten();
    folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1")).any(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::has_faketime;

    #[test]
    fn the_library_is_found_below_any_architecture() {
        let libraries = std::env::temp_dir().join(format!("castellan-libraries-{}", std::process::id()));
        let folder = libraries.join("aarch64-linux-gnu/faketime");
        std::fs::create_dir_all(&folder).unwrap();
        assert!(!has_faketime(&libraries));
        std::fs::write(folder.join("libfaketimeMT.so.1"), "").unwrap();
        assert!(has_faketime(&libraries));
        std::fs::remove_dir_all(libraries).unwrap();
    }
}

//! Backup and restore of a deployment on SQLite (D-13): under load, in other data folders, refused, interrupted and scheduled.
mod copies;
mod interruptions;
mod interrupts;
mod load;
mod postgres;
mod refusals;
mod schedule;
mod vanished;

use crate::program::Program;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The passphrase of the keys in test backups.
const PASSPHRASE: &str = "tidal copper lantern voyage";

/// The options of a backup with the keys, and of its restore.
const WITH_KEYS: [&str; 3] = ["--with-keys", "--passphrase-file", "/dev/stdin"];

/// Returns a path beside the data folder.
fn beside(program: &Program, name: &str) -> PathBuf {
    program.data().with_file_name(name)
}

/// Makes a backup and returns its path as text.
fn back_up(program: &Program, name: &str) -> String {
    let file = beside(program, name).display().to_string();
    program.cli(&["backup", &file], "");
    file
}

/// Restores a backup with the keys of the data folder.
fn restore(program: &Program, file: &str) -> Output {
    program.run(&["restore", file, "--reason", "Disk failure"], "")
}

/// Restores a backup, which must succeed, and returns what was printed.
fn restored(program: &Program, file: &str) -> String {
    program.cli(&["restore", file, "--reason", "Disk failure"], "")
}

/// Returns what a command that must fail printed to standard error.
fn failure(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && !text.contains("panicked"), "{output:?}");
    text
}

/// Verifies the audit log and returns the exit status and the result.
fn verify(program: &Program, more: &[&str]) -> (i32, Value) {
    let output = program.run(&[&["audit", "verify", "--json"], more].concat(), "");
    (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap_or_default())
}

/// Returns every file below a folder with its content, apart from locks.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.path() {
            path if path.is_dir() => found.extend(files(&path)),
            path if path.extension().is_some_and(|it| it == "lock") => {}
            path => drop(found.insert(path.clone(), fs::read(path).unwrap_or_default())),
        }
    }
    found
}

/// Returns what a query of a SQLite file prints.
fn query(file: &Path, sql: &str) -> String {
    let output = Command::new("sqlite3").arg(file).arg(sql).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

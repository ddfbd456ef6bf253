//! File rules: every Rust file begins with a header and imports each crate in one place.

use crate::root::{files_below, path};
use std::{collections::BTreeSet, path::PathBuf};

const MEMBERS: [&str; 5] = ["app", "crates", "runner", "server", "xtask"];

/// Returns the Rust files of the workspace with their texts.
fn rust_files() -> impl Iterator<Item = (PathBuf, String)> {
    let files = MEMBERS.iter().flat_map(|member| files_below(&path(member)).unwrap());
    let rust = files.filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
    rust.map(|file| (file.clone(), std::fs::read_to_string(&file).unwrap()))
}

/// Imports of one crate are one tree (`use crate::{a, b};`), so that a reader finds them in one place.
#[test]
fn every_file_imports_a_crate_once() {
    let mut scattered = vec![];
    for (file, text) in rust_files() {
        let mut roots = BTreeSet::new();
        let mut previous = "";
        for line in text.lines() {
            let import = line.strip_prefix("use ").filter(|_| !previous.starts_with("#["));
            let root = import.and_then(|import| import.split([':', ';', ' ']).next());
            if root.is_some_and(|root| !roots.insert(root.to_owned())) {
                scattered.push(format!("{}: {line}", file.display()));
            }
            previous = line;
        }
    }
    assert!(scattered.is_empty(), "these imports belong to one above them: {scattered:#?}");
}

#[test]
fn every_file_begins_with_a_header() {
    let without_header: Vec<_> = rust_files()
        // `//! Stub` is no header.
        .filter(|(_, text)| {
            !text.lines().next().is_some_and(|line| line.starts_with("//! ") && line.split(' ').count() > 3)
        })
        .map(|(file, _)| file)
        .collect();
    assert!(without_header.is_empty(), "these files do not begin with a `//!` header: {without_header:#?}");
}

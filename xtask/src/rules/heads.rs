//! File header rule: the first line of every Rust file says what the file is for.

use crate::root::{files_below, path};

const MEMBERS: [&str; 5] = ["app", "crates", "runner", "server", "xtask"];

#[test]
fn every_file_begins_with_a_header() {
    let files = MEMBERS.iter().flat_map(|member| files_below(&path(member)).unwrap());
    let without_header: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|its| its == "rs"))
        .filter(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            // `//! Stub` is no header.
            !text.lines().next().is_some_and(|line| line.starts_with("//! ") && line.split(' ').count() > 3)
        })
        .collect();
    assert!(without_header.is_empty(), "these files do not begin with a `//!` header: {without_header:#?}");
}

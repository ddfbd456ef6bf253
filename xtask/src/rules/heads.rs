//! Every Rust file says in its first line what it is for.

use crate::root::{files_below, path};

const MEMBERS: [&str; 5] = ["app", "crates", "runner", "server", "xtask"];

#[test]
fn every_file_begins_with_a_sentence_on_what_it_is_for() {
    let files = MEMBERS.iter().flat_map(|member| files_below(&path(member)).unwrap());
    let silent: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|its| its == "rs"))
        .filter(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            // A sentence has words; `//! stub` has one.
            !text.lines().next().is_some_and(|line| line.starts_with("//! ") && line.split(' ').count() > 3)
        })
        .collect();
    assert!(silent.is_empty(), "these files have no `//!` sentence in their first line: {silent:#?}");
}

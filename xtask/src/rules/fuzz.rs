//! Fuzzing rules: every fuzz target has a corpus and a test that runs it.

use crate::root::{files_below, path};
use std::collections::BTreeSet;

/// Returns the names of the entries of a folder without their extensions.
fn names(folder: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(path(folder)).unwrap();
    entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn every_fuzz_target_is_built_has_a_corpus_and_is_run_by_a_test() {
    let targets = names("fuzz/fuzz_targets");
    assert!(targets.len() > 10, "{targets:?}");
    assert_eq!(targets, names("fuzz/corpus"));
    let manifest = std::fs::read_to_string(path("fuzz/Cargo.toml")).unwrap();
    let rust = ["app", "crates", "runner", "server"].iter().flat_map(|member| files_below(&path(member)).unwrap());
    let tests: String = rust.filter_map(|file| std::fs::read_to_string(file).ok()).collect();
    for target in &targets {
        assert!(manifest.contains(&format!("fuzz_targets/{target}.rs")), "{target} is not built");
        assert!(tests.contains(&format!("corpus(\"{target}\"")), "no test runs the corpus of {target}");
        assert!(!names(&format!("fuzz/corpus/{target}")).is_empty(), "{target} has an empty corpus");
    }
}

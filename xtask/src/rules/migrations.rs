//! Migration rules: every migration exists for both databases, and those of released versions never change.

use crate::{
    released_migrations,
    root::{files_below, path},
};
use std::collections::BTreeSet;

/// Returns the names of the migrations for one database.
fn names(database: &str) -> BTreeSet<String> {
    let files = files_below(&path("migrations").join(database)).unwrap();
    files.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn migrations_come_in_pairs() {
    assert!(!names("sqlite").is_empty());
    assert_eq!(names("sqlite"), names("postgres"));
}

#[test]
fn migrations_are_numbered_without_gaps() {
    for (place, name) in (1..).zip(names("sqlite")) {
        assert!(name.starts_with(&format!("{place:04}_")), "{name} should begin with {place:04}_");
        assert!(name.ends_with(".sql"), "{name} should end with .sql");
    }
}

#[test]
fn d_13_released_migrations_are_unchanged() {
    let folder = released_migrations::folder();
    assert!(folder.join("released.txt").is_file(), "restore the file with the checksums");
    released_migrations::check(&folder).unwrap();
}

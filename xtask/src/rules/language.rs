//! Banned coinages: words that a reader would not search for, in names, comments, texts and documents.

use crate::root::{files_below, path};

/// A coinage in words as they are spelled when identifiers are split, the term to use, and how many uses are left.
///
/// The counts may only shrink: the test fails when a use is added, and when one is removed without lowering the count.
const BANNED: &[(&str, &str, usize)] = &[
    ("ask reach", "read access", 0),
    ("desk", "connection registry", 0),
    ("air gapped", "isolated", 0),
    ("held off", "blocked, throttled", 0),
    ("leads in", "active", 0),
    ("lately", "recent", 0),
    ("reins", "limits", 0),
    ("stands in", "is in", 0),
    ("stands beside", "is next to", 0),
    ("so many at most", "limit", 0),
    ("in vain", "without effect", 0),
    ("was asked", "approval request", 0),
    ("went wrong", "failed", 0),
    ("whoever", "the person who", 0),
    ("who ever", "the person who", 0),
    ("unusual", "anomaly", 0),
];

/// Folders and files whose language is checked.
const CHECKED: [&str; 15] = [
    ".github",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
    "app",
    "crates",
    "docs",
    "end2end/specs",
    "migrations",
    "runner",
    "server",
    "style",
    "xtask",
];

/// The file with the list is the only one that has to contain the coinages; the glossary says what they were replaced by.
const EXEMPT: [&str; 1] = ["xtask/src/rules/language.rs"];

const EXTENSIONS: [&str; 8] = ["css", "ftl", "md", "proto", "rs", "sql", "toml", "ts"];

#[test]
fn coinages_disappear_and_do_not_come_back() {
    let mut counts = vec![0; BANNED.len()];
    let mut places = vec![Vec::new(); BANNED.len()];
    for file in CHECKED.iter().flat_map(|name| files(name)) {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        let words = format!(" {} ", words(&text));
        for (number, (coinage, ..)) in BANNED.iter().enumerate() {
            let found = words.matches(&format!(" {coinage} ")).count();
            if found > 0 {
                counts[number] += found;
                places[number].push(file.clone());
            }
        }
    }
    for (((coinage, instead, allowed), count), places) in BANNED.iter().zip(counts).zip(places) {
        assert!(
            count <= *allowed,
            "“{coinage}” is used {count} times, {allowed} are left; write “{instead}”: {places:#?}"
        );
        assert!(count == *allowed, "“{coinage}” is used {count} times now: lower its count from {allowed}");
    }
}

fn files(name: &str) -> Vec<std::path::PathBuf> {
    let place = path(name);
    let all = if place.is_dir() { files_below(&place).unwrap() } else { vec![place] };
    let checked = |file: &std::path::PathBuf| {
        let extension = file.extension().and_then(|its| its.to_str()).unwrap_or_default();
        EXTENSIONS.contains(&extension) && !EXEMPT.iter().any(|exempt| file.ends_with(exempt))
    };
    all.into_iter().filter(checked).collect()
}

/// The words of a text in lower case, with one space between them; `snake_case` and `CamelCase` are several words.
fn words(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    let mut previous = ' ';
    for character in text.chars() {
        let starts_word = character.is_uppercase() && previous.is_lowercase();
        if (starts_word || !character.is_alphanumeric()) && !words.ends_with(' ') {
            words.push(' ');
        }
        if character.is_alphanumeric() {
            words.extend(character.to_lowercase());
        }
        previous = character;
    }
    words.trim().to_owned()
}

#[test]
fn identifiers_are_split_into_words() {
    assert_eq!(words("/// fn held_off(x: AdminBlocked) {"), "fn held off x held off");
    assert_eq!(words("what\n    /// was-asked, HTTP"), "what was asked http");
}

//! Banned coinages: words that a reader would not search for, in names, comments, texts and documents.

use crate::root::{files_below, path};

/// A coinage as its separate words in lower case, the term to use, and the number of remaining uses.
///
/// The test fails when a use is added, and when one is removed without lowering the number.
const BANNED: &[(&str, &str, usize)] = &[
    ("air gapped", "isolated", 3),
    ("answers for", "is responsible for", 0),
    ("anew", "again", 0),
    ("as ever", "still", 0),
    ("ask reach", "read access", 0),
    ("astray", "lost, misdirected", 0),
    ("at the door", "at the listener", 0),
    ("books", "audit log, registry", 0),
    ("by halves", "partly", 0),
    ("come back", "return, reconnect", 0),
    ("comeback", "reconnect", 0),
    ("coming in", "sign-in, incoming", 0),
    ("desk", "connection registry", 0),
    ("ear", "subscription", 0),
    ("ears", "subscriptions", 0),
    ("for ever", "forever", 0),
    ("gives up", "abandons", 0),
    ("go on", "continue", 0),
    ("goes on", "continues", 0),
    ("hears", "receives", 0),
    ("held against", "compared with", 0),
    ("held off", "blocked, throttled", 0),
    ("held up", "throttled", 0),
    ("in vain", "without effect", 0),
    ("is said", "is reported", 0),
    ("is told", "is notified", 0),
    ("lately", "recent", 0),
    ("leads in", "active", 0),
    ("lets in", "accepts", 0),
    ("looked at", "reviewed", 0),
    ("nobody knows", "unknown", 0),
    ("nobody waits", "nothing waits", 0),
    ("of whom", "whose", 0),
    ("patience", "timeout", 0),
    ("power cut", "power failure", 0),
    ("proved themselves anew", "re-authenticated", 0),
    ("put away", "archived", 0),
    ("puts away", "archives", 0),
    ("question", "approval request", 0),
    ("questions", "approval requests", 0),
    ("reins", "limits", 0),
    ("seat", "slot, connection", 0),
    ("seats", "slots, connections", 0),
    ("set out", "started", 0),
    ("setout", "sign-in ticket", 0),
    ("setting out", "starting a sign-in", 0),
    ("shelf", "spool directory", 0),
    ("so many", "number, limit", 0),
    ("so many at most", "limit", 0),
    ("sought", "searched", 0),
    ("speaks of", "covers, mentions", 0),
    ("stands beside", "is next to", 0),
    ("stands for", "means", 0),
    ("stands in", "is in", 0),
    ("stood still", "was suspended", 0),
    ("taken away", "revoked, removed", 0),
    ("tells", "reports", 0),
    ("told apart", "distinguished", 0),
    ("turned away", "rejected", 0),
    ("turned down", "denied", 0),
    ("turns away", "rejects", 0),
    ("unheard", "unread, unacknowledged", 0),
    ("was asked", "approval request", 0),
    ("went wrong", "failed", 0),
    ("whereabouts", "location", 0),
    ("who answers", "the responsible person", 0),
    ("who ever", "the person who", 0),
    ("whoever", "the person who", 0),
    ("without a word", "without an error", 0),
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

/// Contains the list.
const EXEMPT: [&str; 1] = ["xtask/src/rules/language.rs"];

const EXTENSIONS: [&str; 8] = ["css", "ftl", "md", "proto", "rs", "sql", "toml", "ts"];

#[test]
fn coinages_only_become_fewer() {
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
    let mut wrong = Vec::new();
    for (((coinage, instead, allowed), count), places) in BANNED.iter().zip(counts).zip(places) {
        if count > *allowed {
            wrong
                .push(format!("“{coinage}” is used {count} times, {allowed} are left; write “{instead}”: {places:#?}"));
        } else if count < *allowed {
            wrong.push(format!("“{coinage}” is used {count} times now: lower its count from {allowed}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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

/// Returns the words of a text in lower case, separated by one space. Identifiers in `snake_case` and `CamelCase` are split.
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
    assert_eq!(words("/// fn held_off(x: HeldOff) {"), "fn held off x held off");
    assert_eq!(words("what\n    /// was-asked, HTTP"), "what was asked http");
}

//! Text that people are found by, and patterns for a search in it.
use domain::{Email, search_terms::fold};

/// Returns what a person is found by.
pub(crate) fn search_text(name: &str, email: &Email) -> String {
    fold(&format!("{name}\n{email}"))
}

/// Returns a LIKE pattern that matches `text` anywhere, with its wildcards escaped (`escape '\'`).
pub(crate) fn anywhere(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{escaped}%")
}

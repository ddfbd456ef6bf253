//! Search terms of titles: runs of letters and digits in lower case.
//!
//! Scripts without spaces between words are indexed as pairs of adjacent characters (bigrams), so that a search finds
//! any part of a title.
use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization;

/// The maximum length of a term in characters; longer terms are truncated.
const MAX_TERM_LENGTH: usize = 32;

/// Returns a text in the one form in which texts are compared in a search: compatible characters are unified (NFKC), in lower case, with one
/// form of sigma and of the dotted i.
///
/// ```
/// use domain::search_terms::fold;
/// assert_eq!(fold("\u{130}pek"), fold("IPEK"));
/// assert_eq!(fold("\u{3a3}\u{3af}\u{3c3}\u{3c5}\u{3c6}\u{3bf}\u{3c2}"), fold("\u{3a3}\u{38a}\u{3a3}\u{3a5}\u{3a6}\u{39f}\u{3a3}"));
/// ```
pub fn fold(text: &str) -> String {
    let lower = text.nfkc().flat_map(char::to_lowercase);
    lower.filter(|c| *c != '\u{307}').map(|c| if c == 'ς' { 'σ' } else { c }).collect()
}

/// Returns the terms that a title is indexed under.
///
/// ```
/// use domain::search_terms;
/// let indexed = search_terms::of_title("Restart the CAFÉ-mailer");
/// assert!(indexed.contains("café") && indexed.contains("mailer"));
/// ```
pub fn of_title(title: &str) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    for run in runs(title) {
        match run {
            Run::Spaced(term) => drop(terms.insert(term)),
            Run::Unspaced(characters) => {
                terms.extend(pairs(&characters));
                terms.extend(characters.last().map(char::to_string));
            }
        }
    }
    terms
}

/// Returns the term prefixes that a title must have to match this search; empty if the text has neither letters nor
/// digits.
pub fn of_query(text: &str) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    for run in runs(text) {
        match run {
            Run::Spaced(term) => drop(terms.insert(term)),
            Run::Unspaced(characters) if characters.len() > 1 => terms.extend(pairs(&characters)),
            Run::Unspaced(characters) => terms.extend(characters.first().map(char::to_string)),
        }
    }
    terms
}

/// A run of letters and digits in one kind of script.
enum Run {
    Spaced(String),
    Unspaced(Vec<char>),
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = vec![];
    let mut is_new_run = true;
    for c in fold(text).chars() {
        if !c.is_alphanumeric() {
            is_new_run = true;
            continue;
        }
        match (runs.last_mut(), is_unspaced(c)) {
            (Some(Run::Unspaced(run)), true) if !is_new_run => run.push(c),
            (Some(Run::Spaced(run)), false) if !is_new_run => run.push(c),
            (_, true) => runs.push(Run::Unspaced(vec![c])),
            (_, false) => runs.push(Run::Spaced(c.to_string())),
        }
        is_new_run = false;
    }
    for run in &mut runs {
        if let Run::Spaced(term) = run {
            *term = term.chars().take(MAX_TERM_LENGTH).collect();
        }
    }
    runs
}

fn pairs(characters: &[char]) -> impl Iterator<Item = String> {
    characters.windows(2).map(|pair| pair.iter().collect())
}

/// Returns whether a character is Hiragana, Katakana or Han, which are written without spaces.
fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c), 0x3040..=0x30FF | 0x31F0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(terms: BTreeSet<String>) -> Vec<String> {
        terms.into_iter().collect()
    }

    #[test]
    fn a_title_is_split_at_characters_that_are_neither_letters_nor_digits() {
        assert_eq!(list(of_title("Restart the CAFÉ-mailer, 100%!")), ["100", "café", "mailer", "restart", "the"]);
        assert_eq!(list(of_title("snake_case v1.2")), ["2", "case", "snake", "v1"]);
        assert_eq!(list(of_query(" %_' ")), Vec::<String>::new());
    }

    #[test]
    fn titles_in_scripts_without_spaces_match_any_part() {
        let title = of_title("本番データ移行 v2");
        for text in ["データ", "移行", "番", "行", "V2"] {
            let matches =
                of_query(text).iter().all(|prefix| title.iter().any(|term| term.starts_with(prefix.as_str())));
            assert!(matches, "{text} in {title:?}");
        }
        assert!(!of_query("移動").iter().all(|prefix| title.contains(prefix)));
    }

    #[test]
    fn a_very_long_term_is_truncated() {
        assert_eq!(of_title(&"x".repeat(100)), of_query(&"x".repeat(90)));
    }
}

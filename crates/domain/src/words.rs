//! The words by which a title is found: runs of letters and digits, in lower case.
//!
//! Scripts that put no spaces between words are cut into pairs of neighboring characters, so that any part of a title in them
//! is found by its pairs.
use std::collections::BTreeSet;

/// The longest word that is kept and sought, in characters; a longer one is known by its beginning.
const LONGEST: usize = 32;

/// The words that a title is kept under.
pub fn of_title(title: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for run in runs(title) {
        match run {
            Run::Word(word) => drop(words.insert(word)),
            Run::Dense(characters) => {
                words.extend(pairs(&characters));
                words.extend(characters.last().map(char::to_string));
            }
        }
    }
    words
}

/// The beginnings of words that a title must have to be found by this text. Empty where the text has neither letter nor digit.
pub fn sought(text: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for run in runs(text) {
        match run {
            Run::Word(word) => drop(words.insert(word)),
            Run::Dense(characters) if characters.len() > 1 => words.extend(pairs(&characters)),
            Run::Dense(characters) => words.extend(characters.first().map(char::to_string)),
        }
    }
    words
}

enum Run {
    Word(String),
    Dense(Vec<char>),
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = vec![];
    let mut apart = true;
    for c in text.chars().flat_map(char::to_lowercase) {
        if !c.is_alphanumeric() {
            apart = true;
            continue;
        }
        match (runs.last_mut(), is_dense(c)) {
            (Some(Run::Dense(run)), true) if !apart => run.push(c),
            (Some(Run::Word(run)), false) if !apart => run.push(c),
            (_, true) => runs.push(Run::Dense(vec![c])),
            (_, false) => runs.push(Run::Word(c.to_string())),
        }
        apart = false;
    }
    for run in &mut runs {
        if let Run::Word(word) = run {
            *word = word.chars().take(LONGEST).collect();
        }
    }
    runs
}

fn pairs(characters: &[char]) -> impl Iterator<Item = String> {
    characters.windows(2).map(|pair| pair.iter().collect())
}

/// Hiragana, Katakana and Han: written without spaces.
fn is_dense(c: char) -> bool {
    matches!(u32::from(c), 0x3040..=0x30FF | 0x31F0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(words: BTreeSet<String>) -> Vec<String> {
        words.into_iter().collect()
    }

    #[test]
    fn a_title_is_cut_at_what_is_neither_letter_nor_digit() {
        assert_eq!(list(of_title("Restart the CAFÉ-mailer, 100%!")), ["100", "café", "mailer", "restart", "the"]);
        assert_eq!(list(of_title("snake_case v1.2")), ["2", "case", "snake", "v1"]);
        assert_eq!(list(sought(" %_' ")), Vec::<String>::new());
    }

    #[test]
    fn scripts_without_spaces_are_found_by_any_part() {
        let title = of_title("本番データ移行 v2");
        for text in ["データ", "移行", "番", "行", "V2"] {
            let found = sought(text).iter().all(|begin| title.iter().any(|word| word.starts_with(begin.as_str())));
            assert!(found, "{text} in {title:?}");
        }
        assert!(!sought("移動").iter().all(|begin| title.contains(begin)));
    }

    #[test]
    fn a_very_long_word_is_known_by_its_beginning() {
        assert_eq!(of_title(&"x".repeat(100)), sought(&"x".repeat(90)));
    }
}

//! Requirement ids: every id that the code names is explained in docs/requirements.md.

use crate::root::{files_below, path};
use std::collections::{BTreeMap, BTreeSet};

/// Folders and files that name requirement ids.
const WHERE: [&str; 8] = ["app/src", "app/tests", "crates", "end2end/specs", "migrations", "runner", "server", "xtask"];

#[test]
fn every_number_is_explained() {
    let page = std::fs::read_to_string(path("docs/requirements.md")).unwrap();
    let explained: BTreeSet<_> =
        page.lines().filter_map(|line| numbers(line.strip_prefix("| ")?.split(' ').next()?).pop()).collect();
    let mut named = BTreeMap::new();
    for file in WHERE.iter().flat_map(|folder| files_below(&path(folder)).unwrap()) {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        named.extend(numbers(&text).into_iter().map(|number| (number, file.clone())));
    }
    assert!(named.len() > 40, "too few ids were found: {named:?}");
    let missing: Vec<_> = named.iter().filter(|(number, _)| !explained.contains(*number)).collect();
    assert!(missing.is_empty(), "docs/requirements.md does not explain {missing:?}");
    let unused: Vec<_> = explained.iter().filter(|number| !named.contains_key(*number)).collect();
    assert!(unused.is_empty(), "docs/requirements.md explains ids that nothing names: {unused:?}");
}

/// Returns the ids in a text: `M-11`, `X5` and `E11` in comments, `m_11_`, `x5_` and `trap_e11_` in test names.
fn numbers(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-'));
    words.flat_map(in_word).collect()
}

fn in_word(word: &str) -> Vec<String> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let trap = |number: &str| {
        (!number.starts_with('0') && matches!(number.len(), 1 | 2) && digits(number)).then(|| format!("E{number}"))
    };
    let rule = |(family, number): (&str, &str)| {
        let family = family.to_ascii_uppercase();
        let known = matches!(family.as_str(), "A" | "D" | "K" | "M" | "N" | "S") && number.len() == 2 && digits(number);
        known.then(|| format!("{family}-{number}"))
    };
    let is_cross = |number: &str| number.len() == 1 && digits(number);
    if let Some(number) = word.strip_prefix('X').filter(|number| is_cross(number)) {
        return vec![format!("X{number}")];
    }
    if let Some(number) = word.strip_prefix('x').and_then(|rest| rest.split_once('_')).filter(|(it, _)| is_cross(it)) {
        return [format!("X{}", number.0)].into_iter().chain(in_word(number.1)).collect();
    }
    if let Some(rest) = word.strip_prefix("trap_e") {
        return trap(rest.split('_').next().unwrap_or_default()).into_iter().collect();
    }
    let capital = word.starts_with(|c: char| c.is_ascii_uppercase());
    if let Some(found) =
        word.strip_prefix('E').and_then(trap).or_else(|| word.split_once('-').filter(|_| capital).and_then(rule))
    {
        return vec![found];
    }
    // A test name may contain several: `m_11_m_14_…`.
    let parts: Vec<_> = word.split('_').collect();
    parts.chunks_exact(2).map_while(|pair| rule((pair[0], pair[1]))).collect()
}

#[test]
fn ids_are_found_in_comments_and_test_names() {
    let text = "/// M-11, A-05: see (E16). fn m_11_m_14_every_method() trap_e9_killed x5_trap_e19_forked X5 E0 B-12 M-113 sha_256";
    assert_eq!(numbers(text), ["M-11", "A-05", "E16", "M-11", "M-14", "E9", "X5", "E19", "X5"]);
}

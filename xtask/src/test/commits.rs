//! Commit messages: an imperative subject of at most 72 characters, and a body with the reason.

use super::report::Report;
use crate::root::command;
use anyhow::{Result, ensure};

/// The last commit before messages had to follow the rules.
const RULES_SINCE: &str = "eb82561b053a6bec1c278ff2f9a72102df6f6fae";
const MAX_SUBJECT: usize = 72;

/// Checks the messages of all commits since the rules were introduced.
///
/// A copy of the sources without that part of the history is not checked; the report says so.
///
/// # Errors
/// Fails if git cannot be started; what it finds goes into the report.
pub fn check(report: &mut Report) -> Result<()> {
    let known = command("git").args(["cat-file", "-e", &format!("{RULES_SINCE}^{{commit}}")]).output()?;
    if !known.status.success() {
        report.note("Commit messages were not checked: the history is not here.");
        return Ok(());
    }
    let range = format!("{RULES_SINCE}..HEAD");
    let log = command("git").args(["log", "--no-merges", "-z", "--format=%h%n%B", &range]).output()?;
    report.run_fn("Commit messages", || {
        let log = String::from_utf8_lossy(&log.stdout);
        let faults: Vec<_> = log.split('\0').filter(|entry| !entry.is_empty()).filter_map(fault).collect();
        ensure!(faults.is_empty(), "{}", faults.join("\n"));
        Ok(())
    });
    Ok(())
}

/// Returns what is wrong with a commit, given as its hash on one line and its message on those that follow.
fn fault(entry: &str) -> Option<String> {
    let (hash, message) = entry.split_once('\n')?;
    let (subject, body) = message.trim_end().split_once('\n').unwrap_or((message.trim_end(), ""));
    let first = subject.split([' ', ':']).next().unwrap_or_default();
    let problem = if subject.chars().count() > MAX_SUBJECT {
        "the subject has more than 72 characters"
    } else if !is_imperative(first) {
        "the subject does not begin with a capitalized verb in the imperative"
    } else if subject.ends_with('.') {
        "the subject ends with a period"
    } else if !body.starts_with('\n') || body.trim().is_empty() {
        "the body with the reason is missing, or is not separated by an empty line"
    } else {
        return None;
    };
    Some(format!("{hash} {subject}: {problem}"))
}

/// Returns whether a word can be a verb in the imperative: "Add", not "Added", "Adds", "Adding" or "The".
fn is_imperative(word: &str) -> bool {
    let not_verbs = ["A", "An", "The", "This", "It", "What", "Who", "Nobody", "One", "No"];
    let endings = ["ed", "ing"];
    let third_person = word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us");
    word.starts_with(|first: char| first.is_uppercase())
        && !not_verbs.contains(&word)
        && !third_person
        && (["Embed", "Feed", "Need", "Speed", "Bring", "String"].contains(&word)
            || !endings.iter().any(|ending| word.ends_with(ending)))
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn a_message_has_an_imperative_subject_and_a_reason() {
        assert_eq!(fault("abc Add\nAdd a limit\n\nStreams were unbounded.\n"), None);
        assert_eq!(fault("abc\nEmbed the site\n\nOne file is easier to copy.\n"), None);
        for wrong in [
            "Added a limit\n\nWhy.",
            "Adds a limit\n\nWhy.",
            "The limit is there\n\nWhy.",
            "add a limit\n\nWhy.",
            "Add a limit.\n\nWhy.",
            "Add a limit",
            "Add a limit\nwithout an empty line",
        ] {
            assert!(fault(&format!("abc\n{wrong}\n")).is_some(), "{wrong}");
        }
        assert!(fault(&format!("abc\nAdd {}\n\nWhy.\n", "x".repeat(69))).is_some());
    }
}

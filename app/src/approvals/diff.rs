//! Line-based text difference; long unchanged stretches are collapsed.
use similar::{Algorithm, DiffTag, capture_diff_slices, group_diff_ops};

/// The limit for each text, in lines: comparing takes time proportional to the product of both lengths.
pub const MAX_LINES: usize = 2_000;

/// The number of unchanged lines around each change.
const CONTEXT_LINES: usize = 3;

/// The result of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Both texts are byte for byte the same.
    Same,
    /// The texts differ, and the longer one has this many lines, more than [`MAX_LINES`].
    TooLong(usize),
    Lines(Vec<Line>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Unchanged(String),
    Added(String),
    Removed(String),
    /// A number of unchanged lines that are left out.
    Skipped(usize),
}

pub fn compare(old: &str, new: &str) -> Difference {
    if old == new {
        return Difference::Same;
    }
    // Only line feeds separate lines, as everywhere else on the page.
    let (old, new): (Vec<_>, Vec<_>) = (old.split('\n').collect(), new.split('\n').collect());
    let longer = old.len().max(new.len());
    if longer > MAX_LINES {
        return Difference::TooLong(longer);
    }
    let mut lines = vec![];
    let mut shown_to = 0;
    for group in group_diff_ops(capture_diff_slices(Algorithm::Myers, &old, &new), CONTEXT_LINES) {
        for op in group {
            let (before, after) = (old.get(op.old_range()), new.get(op.new_range()));
            let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
            skip(&mut lines, op.old_range().start.saturating_sub(shown_to));
            shown_to = op.old_range().end;
            match op.tag() {
                DiffTag::Equal => lines.extend(after.iter().map(|line| Line::Unchanged((*line).to_owned()))),
                DiffTag::Delete | DiffTag::Insert | DiffTag::Replace => {
                    lines.extend(before.iter().map(|line| Line::Removed((*line).to_owned())));
                    lines.extend(after.iter().map(|line| Line::Added((*line).to_owned())));
                }
            }
        }
    }
    skip(&mut lines, old.len().saturating_sub(shown_to));
    Difference::Lines(lines)
}

fn skip(lines: &mut Vec<Line>, n: usize) {
    if n > 0 {
        lines.push(Line::Skipped(n));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(old: &str, new: &str) -> Vec<String> {
        let Difference::Lines(lines) = compare(old, new) else { panic!("no lines") };
        let line = |line: &Line| match line {
            Line::Unchanged(text) => format!(" {text}"),
            Line::Added(text) => format!("+{text}"),
            Line::Removed(text) => format!("-{text}"),
            Line::Skipped(n) => format!("@{n}"),
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn changes_appear_in_their_context() {
        assert_eq!(compare("a\nb", "a\nb"), Difference::Same);
        assert_eq!(rendered("a\nb\nc", "a\nx\nc"), [" a", "-b", "+x", " c"]);
        let long: String = (0..20).map(|n| format!("{n}\n")).collect();
        assert_eq!(
            rendered(&long, &long.replace("\n10\n", "\n10 more\n")),
            ["@7", " 7", " 8", " 9", "-10", "+10 more", " 11", " 12", " 13", "@7"]
        );
    }

    #[test]
    fn d_04_an_invisible_change_is_a_change() {
        assert_eq!(rendered("echo a", "echo a\u{200b}"), ["-echo a", "+echo a\u{200b}"]);
        assert_eq!(rendered("a", "a\n"), [" a", "+"]);
        assert_eq!(rendered("a\r\nb", "a\nb"), ["-a\r", "+a", " b"]);
    }

    #[test]
    fn texts_that_are_too_long_to_compare_are_reported_as_different() {
        let long = "x\n".repeat(MAX_LINES);
        assert_eq!(compare(&long, "x"), Difference::TooLong(MAX_LINES + 1));
        assert_eq!(compare(&long, &long), Difference::Same);
    }
}

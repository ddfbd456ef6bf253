//! Text difference by lines, with the words that changed in them; long unchanged stretches are collapsed.
use similar::{ChangeTag, InlineChange, TextDiff};

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

impl Difference {
    /// Returns the number of added and of removed lines; none if the texts are too long.
    pub fn size(&self) -> Option<(usize, usize)> {
        let lines = match self {
            Self::Same => &[],
            Self::TooLong(_) => return None,
            Self::Lines(lines) => lines.as_slice(),
        };
        let count = |wanted: Kind| {
            lines.iter().filter(|line| matches!(line, Line::Text { kind, .. } if *kind == wanted)).count()
        };
        Some((count(Kind::Added), count(Kind::Removed)))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Unchanged,
    Added,
    Removed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Text {
        kind: Kind,
        /// The number of the line in the new text, or in the old one if it was removed; from 1.
        number: usize,
        /// The text in pieces, each with whether it is what changed in the line.
        pieces: Vec<(bool, String)>,
    },
    /// A number of unchanged lines that are left out.
    Skipped(usize),
}

impl Line {
    fn of(change: &InlineChange<'_, str>) -> Self {
        let (kind, index) = match change.tag() {
            ChangeTag::Equal => (Kind::Unchanged, change.new_index()),
            ChangeTag::Insert => (Kind::Added, change.new_index()),
            ChangeTag::Delete => (Kind::Removed, change.old_index()),
        };
        let pieces = change.values().iter().map(|(changed, text)| (*changed, (*text).to_owned()));
        // A line that changed as a whole needs no emphasis.
        let pieces: Vec<_> = pieces.filter(|(_, text)| !text.is_empty()).collect();
        let whole = pieces.iter().all(|(changed, text)| *changed || text.trim().is_empty());
        let pieces = pieces.into_iter().map(|(changed, text)| (changed && !whole, text)).collect();
        Self::Text { kind, number: index.map_or(0, |index| index + 1), pieces }
    }
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
    let difference = TextDiff::from_slices(&old, &new);
    let mut lines = vec![];
    let mut shown_to = 0;
    for op in difference.grouped_ops(CONTEXT_LINES).into_iter().flatten() {
        skip(&mut lines, op.old_range().start.saturating_sub(shown_to));
        shown_to = op.old_range().end;
        lines.extend(difference.iter_inline_changes(&op).map(|change| Line::of(&change)));
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
            Line::Text { kind, pieces, .. } => {
                let sign = match kind {
                    Kind::Unchanged => " ",
                    Kind::Added => "+",
                    Kind::Removed => "-",
                };
                let text =
                    pieces.iter().map(|(changed, text)| if *changed { format!("[{text}]") } else { text.clone() });
                format!("{sign}{}", text.collect::<String>())
            }
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
            ["@7", " 7", " 8", " 9", "-10", "+10[ more]", " 11", " 12", " 13", "@7"]
        );
    }

    #[test]
    fn d_04_changed_words_are_marked_and_lines_are_numbered() {
        assert_eq!(
            rendered("curl https://a.example/x | sh", "curl https://b.example/x | bash"),
            ["-curl [https://a.example/x] | [sh]", "+curl [https://b.example/x] | [bash]"]
        );
        let Difference::Lines(lines) = compare("a\nb\nc", "a\nnew\nb") else { panic!("no lines") };
        let numbers = lines.iter().map(|line| match line {
            Line::Text { kind, number, .. } => (*kind, *number),
            Line::Skipped(_) => panic!("nothing is skipped"),
        });
        let expected = [(Kind::Unchanged, 1), (Kind::Added, 2), (Kind::Unchanged, 3), (Kind::Removed, 3)];
        assert!(numbers.eq(expected));
        assert_eq!(Difference::Lines(lines).size(), Some((1, 1)));
    }

    #[test]
    fn d_04_an_invisible_change_is_a_change() {
        assert_eq!(rendered("echo a", "echo a\u{200b}"), ["-echo [a]", "+echo [a\u{200b}]"]);
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

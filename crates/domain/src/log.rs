//! Output lines of tasks, numbered from 1.
use crate::{Invalid, Timestamp, string_enum::string_enum};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// The stream that a line was printed to.
    Stream, "stream", {
        Stdout = "stdout",
        Stderr = "stderr",
        /// Messages of the runner itself.
        Runner = "runner",
    }
}

/// One line without its line feed. Invalid UTF-8 is replaced by U+FFFD.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The time at which the runner read the line.
    pub at: Timestamp,
    pub stream: Stream,
    /// Includes escape sequences.
    pub text: String,
    /// Whether this continues the line before it: a line that is longer than [`MAX_LINE`] is stored in several parts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continued: bool,
}

impl Line {
    /// Returns a line that does not continue the one before it.
    pub fn new(at: Timestamp, stream: Stream, text: impl Into<String>) -> Self {
        Self { at, stream, text: text.into(), continued: false }
    }

    /// Returns the size in bytes, including its line feed; a line has one line feed, in however many parts it is stored.
    pub fn size(&self) -> usize {
        self.text.len() + usize::from(!self.continued)
    }
}

/// Line feeds between lines: the text of an output has one after each line that the next one does not continue.
#[derive(Clone, Copy, Debug, Default)]
pub struct LineFeeds {
    /// Whether the last line still needs its line feed.
    due: bool,
}

impl LineFeeds {
    /// Returns what precedes the text of the next line.
    pub fn before(&mut self, line: &Line) -> &'static str {
        if std::mem::replace(&mut self.due, true) && !line.continued { "\n" } else { "" }
    }

    /// Returns what follows the last line.
    pub fn end(self) -> &'static str {
        if self.due { "\n" } else { "" }
    }
}

/// The maximum length of a line in bytes; a longer line is stored in parts.
pub const MAX_LINE: usize = 16 * 1024;

/// The maximum length of a line without its line feed that is shown before it is complete, in bytes; its end is shown.
pub const MAX_INCOMPLETE: usize = 4 * 1024;

/// The maximum stored output of one attempt in bytes; the rest is counted and replaced by a marker.
pub const MAX_OUTPUT: u64 = 16 * 1024 * 1024;

/// The maximum number of stored lines of one attempt; the rest is replaced by a marker.
pub const MAX_LINES: u64 = 1 << 20;

/// The part of [`MAX_OUTPUT`] that is kept for the last lines, which often have the reason of a failure, in bytes.
pub const MAX_TAIL_OUTPUT: u64 = 256 * 1024;

/// The part of [`MAX_LINES`] that is kept for the last lines.
pub const MAX_TAIL_LINES: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_bc05_the_parts_of_a_line_make_one_line_of_text() {
        let line = |text: &str, continued| Line { continued, ..Line::new(Timestamp(0), Stream::Stdout, text) };
        let text = |lines: &[Line]| {
            let mut feeds = LineFeeds::default();
            let text: String = lines.iter().flat_map(|line| [feeds.before(line), line.text.as_str()]).collect();
            assert_eq!(text.len() + feeds.end().len(), lines.iter().map(Line::size).sum::<usize>());
            text + feeds.end()
        };
        assert_eq!(text(&[]), "");
        assert_eq!(text(&[line("", false)]), "\n");
        assert_eq!(text(&[line("a", false), line("b", true), line("c", true), line("d", false)]), "abc\nd\n");
    }
}

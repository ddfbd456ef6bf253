//! What a task prints: lines, numbered from 1.
use crate::{Invalid, Timestamp, string_enum::string_enum};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// Where a line was printed.
    Stream, "stream", {
        /// Standard output.
        Stdout = "stdout",
        /// Standard error.
        Stderr = "stderr",
        /// Said by the runner, not by the task.
        Runner = "runner",
    }
}

/// One line, without its line feed. Bytes that are no UTF-8 were replaced by U+FFFD.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When the runner read it.
    pub at: Timestamp,
    /// Where it was printed.
    pub stream: Stream,
    /// The text, escape sequences and all.
    pub text: String,
}

/// The longest line, in bytes; a longer one is broken.
pub const MAX_LINE: usize = 16 * 1024;

/// How much output of one attempt is kept, in bytes; what is beyond is counted and cut with a mark.
pub const MAX_OUTPUT: u64 = 16 * 1024 * 1024;

/// How many lines of one attempt are kept, however short they are; then comes the mark.
pub const MAX_LINES: u64 = 1 << 20;

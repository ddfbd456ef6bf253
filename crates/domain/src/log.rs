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
}

/// The maximum length of a line in bytes; longer lines are split.
pub const MAX_LINE: usize = 16 * 1024;

/// The maximum stored output of one attempt in bytes; the rest is counted and replaced by a marker.
pub const MAX_OUTPUT: u64 = 16 * 1024 * 1024;

/// The maximum number of stored lines of one attempt; the rest is replaced by a marker.
pub const MAX_LINES: u64 = 1 << 20;

/// The part of [`MAX_OUTPUT`] that is kept for the last lines, which often have the reason of a failure, in bytes.
pub const MAX_TAIL_OUTPUT: u64 = 256 * 1024;

/// The part of [`MAX_LINES`] that is kept for the last lines.
pub const MAX_TAIL_LINES: u64 = 4096;

//! Log positions in the form `attempt.line`, used as event IDs.
use crate::problem::Problem;
use http::HeaderMap;
use std::{fmt, str::FromStr};

/// Next line of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Attempt; `None` for the latest.
    pub attempt: Option<u32>,
    /// Line number, from 1.
    pub line: i64,
}

impl Default for Position {
    fn default() -> Self {
        Self { attempt: None, line: 1 }
    }
}

/// Parses `Last-Event-ID`, at which a client resumes.
pub(crate) fn last_event<P: FromStr>(headers: &HeaderMap) -> Result<Option<P>, Problem> {
    let wrong = || Problem::wrong_field("Last-Event-ID", "must be the id of an event of this stream");
    let Some(id) = headers.get("last-event-id").filter(|id| !id.is_empty()) else { return Ok(None) };
    id.to_str().ok().and_then(|id| id.parse().ok()).map(Some).ok_or_else(wrong)
}

/// The text is not a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a line number of at least 1, perhaps after an attempt and a dot")]
pub struct InvalidPosition;

impl FromStr for Position {
    type Err = InvalidPosition;

    /// Parses `attempt.line` or `line`.
    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let (attempt, line) = match text.split_once('.') {
            Some((attempt, line)) => (Some(attempt.parse().map_err(|_| InvalidPosition)?), line),
            None => (None, text),
        };
        let line = line.parse().ok().filter(|line| *line >= 1).ok_or(InvalidPosition)?;
        Ok(Self { attempt, line })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.attempt {
            Some(attempt) => write!(f, "{attempt}.{}", self.line),
            None => self.line.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back_from_an_event_id() {
        for (text, attempt, line) in [("2.57", Some(2), 57), ("57", None, 57)] {
            let position: Position = text.parse().unwrap();
            assert_eq!(position, Position { attempt, line });
            assert_eq!(position.to_string(), text);
        }
        for garbage in ["", ".", "1.", ".1", "a", "1.2.3", "-1.1", "1.-3", "1.0", "0"] {
            assert!(garbage.parse::<Position>().is_err(), "{garbage:?}");
        }
    }
}

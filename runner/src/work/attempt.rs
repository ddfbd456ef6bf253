//! Attempt identifiers: a task and its fencing token.

use bytes::Bytes;
use domain::{Invalid, TaskId};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// A start of a task, counted from 1. Formatted as `TASK.NUMBER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Attempt {
    pub task: TaskId,
    pub number: u32,
}

impl Attempt {
    /// Parses the attempt of a server message.
    ///
    /// # Errors
    /// Fails if the task's id is not 16 bytes, or the number is 0.
    pub fn from_wire(attempt: Option<&wire::v1::Attempt>) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("attempt", "must be a task's id and a number from 1");
        let attempt = attempt.ok_or_else(wrong)?;
        let task = TaskId(Uuid::from_slice(&attempt.task).map_err(|_| wrong())?);
        if attempt.attempt == 0 {
            return Err(wrong());
        }
        Ok(Self { task, number: attempt.attempt })
    }

    /// Returns the attempt in wire form.
    pub fn to_wire(self) -> Option<wire::v1::Attempt> {
        let task = Bytes::copy_from_slice(self.task.0.as_bytes());
        Some(wire::v1::Attempt { task, attempt: self.number })
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.task, self.number)
    }
}

impl FromStr for Attempt {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let read = || {
            let (task, number) = text.split_once('.')?;
            Some(Self { task: task.parse().ok()?, number: number.parse().ok()? })
        };
        read()
            .filter(|attempt| attempt.to_string() == text)
            .ok_or_else(|| Invalid::new("attempt", "must be TASK.NUMBER"))
    }
}

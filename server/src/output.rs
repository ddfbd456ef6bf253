//! Standard output of commands: text, or JSON with `--json`. A closed pipe or a full disk is an error and never a panic.
use crate::failure::Failure;
use serde::Serialize;
use std::{
    fmt::Display,
    io::{Write, stdout},
};

/// The form in which a command prints its data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints `text`, or with `--json` the same as `data`.
    ///
    /// # Errors
    /// Fails if standard output cannot be written.
    pub(crate) fn print(self, data: &impl Serialize, text: impl Display) -> Result<(), Failure> {
        match self.json {
            true => print(serde_json::to_string_pretty(data)?),
            false => print(text),
        }
    }

    /// Prints a line about the progress of a command that prints its data at the end; with `--json` nothing.
    ///
    /// # Errors
    /// Fails like [`Output::print`].
    pub(crate) fn progress(self, text: impl Display) -> Result<(), Failure> {
        if self.json { Ok(()) } else { print(text) }
    }
}

/// Prints text, with a line feed at its end; an empty text prints nothing.
///
/// # Errors
/// Fails if standard output cannot be written.
pub(crate) fn print(text: impl Display) -> Result<(), Failure> {
    let mut text = text.to_string();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let mut out = stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Failure::of_output(&error))
}

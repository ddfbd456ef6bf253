//! Command failures: error messages for the terminal.
use std::fmt;

/// Error message of a failed command.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// Creates a failure. The text describes the cause and the fix.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            if !text.contains(&cause.to_string()) {
                text.push_str(&format!(": {cause}"));
            }
            source = cause.source();
        }
        Self(text)
    }
}

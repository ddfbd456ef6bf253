//! Command failures: error messages for the terminal.
use app::refusal::{conflict_text, denied_text};
use std::{error::Error, fmt, io};

/// Exit status if the reader of the output is gone, as a shell reports it for a program that SIGPIPE ended. It is not 0, because the
/// result may not have been read.
const CLOSED_PIPE: u8 = 128 + 13;

/// Error message of a failed command.
#[derive(Debug)]
pub struct Failure(String, u8);

impl Failure {
    /// Creates a failure. The text describes the cause and the fix.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into(), 1)
    }

    /// Creates the failure of a command whose output cannot be written. A closed pipe, as in `castellan admin list-keys | head -1`, has
    /// an empty message.
    pub fn of_output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self(String::new(), CLOSED_PIPE),
            _ => Self::new(format!(
                "standard output cannot be written: {error}. Changes that the command made before remain"
            )),
        }
    }

    /// Returns the failure with another exit status than 1.
    #[must_use]
    pub fn with_status(self, status: u8) -> Self {
        Self(self.0, status)
    }

    /// Returns the exit status of the command.
    pub const fn status(&self) -> u8 {
        self.1
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut text = text_of(&error);
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = text_of(cause);
            if !text.contains(&cause_text) {
                text.push_str(&format!(": {cause_text}"));
            }
            source = cause.source();
        }
        Self::new(text)
    }
}

/// Returns the text of an error; denials and conflicts have theirs in the catalog.
fn text_of(error: &(dyn Error + 'static)) -> String {
    match (error.downcast_ref(), error.downcast_ref()) {
        (Some(store::Error::Conflict(conflict)), _) => format!("conflict: {}", conflict_text(*conflict)),
        (Some(store::Error::Denied(denied)), _) => format!("denied: {}", denied_text(denied)),
        (_, Some(denied)) => denied_text(denied),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Denied, policy::DenialReason};
    use store::Conflict;

    #[test]
    fn denials_and_conflicts_are_printed_with_their_texts() {
        let conflict = Failure::from(store::Error::Conflict(Conflict::LastAdmin));
        assert_eq!(conflict.0, "conflict: This is the last admin. Make another person an admin first.");
        let denied = Denied {
            action: "person.create",
            target: ("tenant", String::new()),
            reason: DenialReason::AdminOnly,
            stale: false,
            until: None,
        };
        assert_eq!(Failure::from(denied.clone()).0, "Only tenant admins can do this.");
        assert_eq!(Failure::from(store::Error::Denied(denied)).0, "denied: Only tenant admins can do this.");
    }
}

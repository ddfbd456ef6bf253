//! Join requests, and the limits of invitations.
use crate::{Invalid, string_enum::string_enum, text::lines};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// The state of a join request.
    JoinState, "state", {
        /// Not answered yet.
        Waiting = "waiting",
        Accepted = "accepted",
        Declined = "declined",
        Withdrawn = "withdrawn",
    }
}

/// The maximum number of people who can use one invitation.
pub const MAX_INVITATION_USES: u32 = 100;

/// The maximum validity of an invitation, in days.
pub const MAX_INVITATION_DAYS: u32 = 30;

/// Validates the number of people who can use an invitation: 1 to [`MAX_INVITATION_USES`].
pub fn uses(uses: u32) -> Result<u32, Invalid> {
    match uses {
        1..=MAX_INVITATION_USES => Ok(uses),
        _ => Err(Invalid::new("uses", "must be 1 to 100")),
    }
}

/// Validates the validity of an invitation: 1 to [`MAX_INVITATION_DAYS`] days.
pub fn days(days: u32) -> Result<u32, Invalid> {
    match days {
        1..=MAX_INVITATION_DAYS => Ok(days),
        _ => Err(Invalid::new("days", "must be 1 to 30")),
    }
}

/// Validates the reason of a join request: up to 500 visible characters, or empty.
pub fn reason(text: &str) -> Result<String, Invalid> {
    let text = lines(text, 500).ok_or_else(|| Invalid::new("reason", "must be at most 500 visible characters"))?;
    Ok(text.to_owned())
}

/// Validates the reason of a refusal: as [`reason`], but not empty.
pub fn refusal(text: &str) -> Result<String, Invalid> {
    match reason(text)? {
        reason if reason.is_empty() => Err(Invalid::new("reason", "give a reason that the person can read")),
        reason => Ok(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d_03_uses_days_and_reasons_are_validated() {
        assert_eq!((uses(1), uses(100)), (Ok(1), Ok(100)));
        assert!(uses(0).is_err() && uses(101).is_err() && days(0).is_err() && days(31).is_err() && days(30).is_ok());
        assert_eq!(reason(" I run the backups \n").unwrap(), "I run the backups");
        assert!(reason("").is_ok() && refusal(" ").is_err());
        assert!(reason(&"x".repeat(501)).is_err() && reason("a\u{202e}b").is_err());
    }
}

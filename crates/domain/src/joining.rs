//! A request to be let into an organization, and how long an invitation to one may work.
use crate::{Invalid, string_enum::string_enum, text::lines};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// Where a request to join stands.
    JoinState, "state", {
        /// Nobody has answered it yet.
        Waiting = "waiting",
        /// They were let in.
        Accepted = "accepted",
        /// They were not.
        Declined = "declined",
        /// They took it back.
        Withdrawn = "withdrawn",
    }
}

/// The most people that may use one invitation.
pub const MOST_USES: u32 = 100;

/// The longest that an invitation works, in days.
pub const LONGEST_INVITATION: u32 = 30;

/// How many people may use an invitation: 1 to [`MOST_USES`].
pub fn uses(uses: u32) -> Result<u32, Invalid> {
    match uses {
        1..=MOST_USES => Ok(uses),
        _ => Err(Invalid::new("uses", "must be 1 to 100")),
    }
}

/// For how many days an invitation works: 1 to [`LONGEST_INVITATION`].
pub fn days(days: u32) -> Result<u32, Invalid> {
    match days {
        1..=LONGEST_INVITATION => Ok(days),
        _ => Err(Invalid::new("days", "must be 1 to 30")),
    }
}

/// Why somebody wants to join, or why not: up to 500 visible characters, or nothing.
pub fn reason(text: &str) -> Result<String, Invalid> {
    let text = lines(text, 500).ok_or_else(|| Invalid::new("reason", "must be at most 500 visible characters"))?;
    Ok(text.to_owned())
}

/// The same, where somebody says no: they have to say why.
pub fn refusal(text: &str) -> Result<String, Invalid> {
    match reason(text)? {
        empty if empty.is_empty() => Err(Invalid::new("reason", "say why, so that they know")),
        said => Ok(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d_03_what_is_said_about_joining_is_bounded() {
        assert_eq!((uses(1), uses(100)), (Ok(1), Ok(100)));
        assert!(uses(0).is_err() && uses(101).is_err() && days(0).is_err() && days(31).is_err() && days(30).is_ok());
        assert_eq!(reason(" I run the backups \n").unwrap(), "I run the backups");
        assert!(reason("").is_ok() && refusal(" ").is_err());
        assert!(reason(&"x".repeat(501)).is_err() && reason("a\u{202e}b").is_err());
    }
}

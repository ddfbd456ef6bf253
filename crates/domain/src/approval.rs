//! A question to people: may exactly this run?
use crate::{Invalid, string_enum::string_enum, text::lines};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// Where a question stands.
    ApprovalState, "state", {
        /// Nobody has settled it yet.
        Waiting = "waiting",
        /// Enough people said yes.
        Approved = "approved",
        /// Somebody said no.
        Denied = "denied",
        /// Nobody decided in time.
        Expired = "expired",
        /// The task was cancelled.
        Withdrawn = "withdrawn",
    }
}

string_enum! {
    /// What a person says.
    Answer, "answer", {
        /// Yes, to exactly this.
        Approve = "approve",
        /// No.
        Deny = "deny",
    }
}

/// A reason given with an answer: up to 1,000 characters without control characters; required for a denial.
pub fn reason(answer: Answer, text: &str) -> Result<String, Invalid> {
    let text = lines(text, 1_000).ok_or_else(|| Invalid::new("reason", "must be at most 1,000 visible characters"))?;
    if text.is_empty() && answer == Answer::Deny {
        return Err(Invalid::new("reason", "say why, so that the requester knows what to change"));
    }
    Ok(text.to_owned())
}

//! Approval requests: whether exactly this canonical request may run.
use crate::{Invalid, string_enum::string_enum, text::lines};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// The state of an approval request.
    ApprovalState, "state", {
        /// No final decision yet.
        Waiting = "waiting",
        /// Approved by enough people.
        Approved = "approved",
        Denied = "denied",
        /// No final decision before the deadline.
        Expired = "expired",
        /// The task was cancelled.
        Withdrawn = "withdrawn",
    }
}

string_enum! {
    /// A decision of one approver.
    Answer, "answer", {
        Approve = "approve",
        Deny = "deny",
    }
}

/// Validates the reason of a decision: up to 1,000 characters without control characters; required for a denial.
pub fn reason(answer: Answer, text: &str) -> Result<String, Invalid> {
    let text = lines(text, 1_000).ok_or_else(|| Invalid::new("reason", "must be at most 1,000 visible characters"))?;
    if text.is_empty() && answer == Answer::Deny {
        return Err(Invalid::new("reason", "give a reason so that the requester knows what to change"));
    }
    Ok(text.to_owned())
}

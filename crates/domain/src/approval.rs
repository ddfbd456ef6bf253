//! Approval requests: whether exactly this canonical request may run.
use crate::{Invalid, PersonId, string_enum::string_enum, text::lines};
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

/// The people whose request it is. They do not decide it unless the tenant allows it (D-04).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requesters {
    pub requester: PersonId,
    /// The people responsible for the requester, if it is a service account: at submission and now.
    pub responsible: [Option<PersonId>; 2],
    /// The creator of the API key that submitted it.
    pub key_creator: Option<PersonId>,
}

impl Requesters {
    /// Returns those of a request that a person submitted without a key.
    pub const fn only(requester: PersonId) -> Self {
        Self { requester, responsible: [None; 2], key_creator: None }
    }

    pub const fn people(&self) -> [Option<PersonId>; 4] {
        let [at_submission, now] = self.responsible;
        [Some(self.requester), at_submission, now, self.key_creator]
    }

    /// Returns whether this is a request of the person.
    pub fn includes(&self, person: PersonId) -> bool {
        self.people().contains(&Some(person))
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

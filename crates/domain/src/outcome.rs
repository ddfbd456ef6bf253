//! Outcome of an audited action.
use serde::{Deserialize, Serialize};

/// The outcome of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Done,
    Refused,
}

impl Outcome {
    pub const ALL: [Self; 2] = [Self::Done, Self::Refused];

    /// Returns the spelling in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}

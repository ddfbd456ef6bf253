//! Verdicts of rules, and which of two is stricter.
use super::{Invalid, string_enum};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// The effect of a rule.
    Effect, "effect", {
        /// The task is queued at once.
        Run = "run",
        /// The task needs approval.
        Ask = "ask",
        /// The task is denied.
        Refuse = "refuse",
    }
}

/// The verdict of a rule on a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The task is queued at once.
    Run,
    /// The task needs approval by approvers of its organization.
    Ask {
        /// The required number of approvals, 1 to 9.
        approvers: u32,
        /// The time to decide in hours, 1 to 720.
        hours: u32,
        /// Whether each approval must be confirmed with the approver's passkey.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        passkey: bool,
    },
    /// The task is denied.
    Refuse,
}

/// The verdict if no rule matches.
pub const DEFAULT_VERDICT: Verdict = Verdict::Ask { approvers: 1, hours: 24, passkey: false };

impl Verdict {
    /// Returns the effect without its numbers.
    pub const fn effect(self) -> Effect {
        match self {
            Self::Run => Effect::Run,
            Self::Ask { .. } => Effect::Ask,
            Self::Refuse => Effect::Refuse,
        }
    }

    /// Returns whether this permits nothing that `other` does not permit. Less time to decide is stricter.
    pub fn is_at_least_as_strict_as(self, other: Self) -> bool {
        self == self.and(other)
    }

    /// Returns the verdict that demands what both demand.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Refuse, _) | (_, Self::Refuse) => Self::Refuse,
            (Self::Run, verdict) | (verdict, Self::Run) => verdict,
            (Self::Ask { approvers, hours, passkey }, Self::Ask { approvers: more, hours: until, passkey: also }) => {
                Self::Ask { approvers: approvers.max(more), hours: hours.min(until), passkey: passkey || also }
            }
        }
    }

    pub(super) fn check(self) -> Result<(), Invalid> {
        match self {
            Self::Ask { approvers, .. } if !(1..=9).contains(&approvers) => {
                Err(Invalid::new("approvers", "must be 1 to 9"))
            }
            Self::Ask { hours, .. } if !(1..=720).contains(&hours) => Err(Invalid::new("hours", "must be 1 to 720")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d_05_more_approvals_a_passkey_and_less_time_are_stricter() {
        let ask = |approvers, hours, passkey| Verdict::Ask { approvers, hours, passkey };
        let stricter = [
            (Verdict::Refuse, ask(9, 1, true)),
            (ask(1, 720, false), Verdict::Run),
            (ask(2, 24, false), DEFAULT_VERDICT),
            (ask(1, 24, true), DEFAULT_VERDICT),
            (ask(1, 8, false), DEFAULT_VERDICT),
        ];
        for (more, less) in stricter {
            assert!(more.is_at_least_as_strict_as(less) && !less.is_at_least_as_strict_as(more), "{more:?} {less:?}");
            assert_eq!((more.and(less), less.and(more), more.and(more)), (more, more, more));
        }
        let (people, time) = (ask(2, 24, false), ask(1, 8, true));
        assert!(!people.is_at_least_as_strict_as(time) && !time.is_at_least_as_strict_as(people));
        assert_eq!(people.and(time), ask(2, 8, true));
    }
}

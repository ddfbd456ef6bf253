//! Retention: how long a tenant keeps each kind of data (M-16).
use crate::{Invalid, Timestamp, string_enum::string_enum};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

/// The name of the audit event of a retention run that deleted something.
pub const DELETED: &str = "retention.delete";

string_enum! {
    /// A kind of data with a retention time.
    RetentionKind, "kind", {
        /// The output of tasks, after they ended.
        Output = "output",
        /// How tasks ended and their receipts, after they ended. The audit log keeps the end and the digest of the output.
        Results = "results",
        /// Anomalies, after their last occurrence.
        Anomalies = "anomalies",
        /// Account events, and the browsers and networks that people signed in from, after their last use.
        SignIns = "sign_ins",
        /// Names and addresses in audit events, which the hash chain does not cover.
        PersonalData = "personal_data",
    }
}

/// A retention time in days: 1 to 3,650.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RetentionDays(u32);

impl RetentionDays {
    /// Ten years.
    pub const MAX: u32 = 3_650;

    pub const fn get(self) -> u32 {
        self.0
    }

    /// Returns the time before which data of this age is expired.
    pub fn cutoff(self, now: Timestamp) -> Timestamp {
        now.before(Duration::from_hours(24) * self.0)
    }
}

impl TryFrom<i64> for RetentionDays {
    type Error = Invalid;
    fn try_from(days: i64) -> Result<Self, Invalid> {
        let days = u32::try_from(days).ok().filter(|days| (1..=Self::MAX).contains(days));
        days.map(Self).ok_or_else(|| Invalid::new("days", "must be a whole number of days from 1 to 3,650, or empty"))
    }
}

impl FromStr for RetentionDays {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.trim().parse().unwrap_or(0_i64).try_into()
    }
}

impl fmt::Display for RetentionDays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The retention times of a tenant. A kind without one is kept forever.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RetentionTimes(BTreeMap<RetentionKind, RetentionDays>);

impl RetentionTimes {
    pub fn get(&self, kind: RetentionKind) -> Option<RetentionDays> {
        self.0.get(&kind).copied()
    }

    /// Reads the days of each kind; an empty text means forever.
    ///
    /// # Errors
    /// Returns the error of each invalid kind, with the kind as its field.
    pub fn read<'a>(typed: impl Fn(RetentionKind) -> &'a str) -> Result<Self, Vec<Invalid>> {
        let (mut times, mut wrong) = (Self::default(), vec![]);
        for &kind in RetentionKind::ALL {
            match Some(typed(kind)).filter(|text| !text.trim().is_empty()).map(str::parse).transpose() {
                Ok(days) => times.0.extend(days.map(|days| (kind, days))),
                Err(Invalid { reason, .. }) => wrong.push(Invalid::new(kind.as_str(), reason)),
            }
        }
        if wrong.is_empty() { Ok(times) } else { Err(wrong) }
    }
}

impl FromIterator<(RetentionKind, Option<RetentionDays>)> for RetentionTimes {
    fn from_iter<I: IntoIterator<Item = (RetentionKind, Option<RetentionDays>)>>(times: I) -> Self {
        Self(times.into_iter().filter_map(|(kind, days)| Some((kind, days?))).collect())
    }
}

/// What a retention run deleted of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// The number of tasks, rows or audit events.
    pub count: u64,
    /// The time before which the data was expired.
    pub before: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m_16_a_retention_time_is_a_number_of_days_or_forever() {
        let times = RetentionTimes::read(|kind| match kind {
            RetentionKind::Output => "1",
            RetentionKind::Results => " 3650 ",
            _ => "  ",
        });
        let times = times.unwrap();
        assert_eq!(times.get(RetentionKind::Output).map(RetentionDays::get), Some(1));
        assert_eq!(times.get(RetentionKind::Results).map(RetentionDays::get), Some(RetentionDays::MAX));
        assert_eq!(times.get(RetentionKind::PersonalData), None);
        assert_eq!(serde_json::to_value(&times).unwrap(), serde_json::json!({ "output": 1, "results": 3650 }));
    }

    #[test]
    fn m_16_every_invalid_retention_time_has_its_own_error() {
        for text in ["0", "3651", "-1", "1.5", "ten", "99999999999999999999", "1 day"] {
            let wrong =
                RetentionTimes::read(|kind| if kind == RetentionKind::Output { "30" } else { text }).unwrap_err();
            let fields: Vec<_> = wrong.iter().map(|invalid| invalid.field.as_str()).collect();
            assert_eq!(fields, ["results", "anomalies", "sign_ins", "personal_data"], "{text}");
        }
    }

    #[test]
    fn m_16_data_is_expired_after_whole_days() {
        let day = 86_400_000_000;
        assert_eq!("2".parse::<RetentionDays>().unwrap().cutoff(Timestamp(3 * day)), Timestamp(day));
    }
}

//! Hours of the day in a time zone, as a condition of rules.
use crate::{Invalid, Timestamp};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A time zone of the IANA database, such as `Europe/Berlin`. The database is part of the program, so that every server judges alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(String);

impl Zone {
    /// Returns the hour of the day at this time, 0 to 23.
    pub fn hour(&self, at: Timestamp) -> u8 {
        let zone = TimeZone::get(&self.0).unwrap_or(TimeZone::UTC); // checked when it was parsed
        let at = jiff::Timestamp::from_microsecond(at.0).unwrap_or_default();
        zone.to_datetime(at).hour().unsigned_abs()
    }
}

impl FromStr for Zone {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        match TimeZone::get(text).ok().and_then(|zone| zone.iana_name().map(str::to_owned)) {
            Some(name) => Ok(Self(name)),
            None => Err(Invalid::new("zone", "must be a time zone, such as UTC or Europe/Berlin")),
        }
    }
}

impl TryFrom<String> for Zone {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.0
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Hours of each day: from the first one to the last one, which is excluded. They can extend over midnight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// 0 to 23.
    pub from: u8,
    /// 0 to 23, another one than `from`.
    pub to: u8,
    pub zone: Zone,
}

impl Hours {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        match self.from {
            0..24 if self.to < 24 && self.from != self.to => Ok(()),
            _ => Err(Invalid::new("from", "must be two different hours, 0 to 23")),
        }
    }

    /// Returns whether an hour of the day in this zone is one of them.
    pub const fn include(&self, hour: u8) -> bool {
        match self.from < self.to {
            true => self.from <= hour && hour < self.to,
            false => self.from <= hour || hour < self.to,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d_05_an_hour_is_that_of_the_zone_in_winter_and_summer() {
        let zone: Zone = "Europe/Berlin".parse().unwrap();
        assert_eq!(zone.hour(Timestamp::parse("2026-01-15T08:30:00Z").unwrap()), 9);
        assert_eq!(zone.hour(Timestamp::parse("2026-07-15T08:30:00Z").unwrap()), 10);
        assert_eq!("UTC".parse::<Zone>().unwrap().hour(Timestamp(i64::MAX)), 0, "a time out of range is the epoch");
        for wrong in ["", "Moon/Base", "../etc/passwd", "Etc/Unknown"] {
            assert!(wrong.parse::<Zone>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn d_05_hours_can_extend_over_midnight() {
        let zone: Zone = "UTC".parse().unwrap();
        let hours = |from, to| Hours { from, to, zone: zone.clone() };
        let of = |hours: Hours| (0..24).filter(|hour| hours.include(*hour)).collect::<Vec<_>>();
        assert_eq!(of(hours(9, 12)), [9, 10, 11]);
        assert_eq!(of(hours(22, 1)), [0, 22, 23]);
        assert_eq!(of(hours(22, 0)), [22, 23]);
        assert!(hours(9, 9).check().is_err() && hours(0, 24).check().is_err() && hours(24, 1).check().is_err());
    }
}

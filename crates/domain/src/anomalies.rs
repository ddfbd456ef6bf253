//! What is unusual, and the figures by which that is decided: few, simple, and said with every report (N-06).
use crate::{Invalid, string_enum::string_enum};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
    time::Duration,
};

string_enum! {
    /// What kind of thing was unusual.
    AnomalyKind, "kind", {
        /// A sign-in from a browser or a network that is new for this person.
        SignIn = "sign_in",
        /// Many wrong passwords or second factors for one person.
        Guessing = "guessing",
        /// Wrong passwords for many people from one network.
        Spraying = "spraying",
        /// A key used from a network that is new for it.
        KeyNetwork = "key_network",
        /// A key used after a long silence.
        KeySilent = "key_silent",
        /// Many more tasks by a key in an hour than ever before.
        TaskVolume = "task_volume",
        /// A task by a key at an hour of the week at which it never submitted one.
        TaskHour = "task_hour",
    }
}

/// For how long a network is remembered after it was last used.
pub const NETWORK_MEMORY: Duration = Duration::from_hours(90 * 24);
/// For how long something unusual stays on the list after it happened last; the audit log has it for good.
pub const ANOMALY_RETENTION: Duration = Duration::from_hours(365 * 24);
/// How many networks are remembered for a person, or a key: the latest used.
pub const NETWORKS: u32 = 30;
/// The span in which failures are counted, and how many of them in an hour are many.
pub const FAILURE_SPAN: Duration = Duration::from_mins(10);
/// How many such spans make the hour.
pub const FAILURE_SPANS: i64 = 6;
/// So many failures for one person in an hour are reported.
pub const MANY_FAILURES: i64 = 10;
/// Failures for so many people from one network in an hour are reported.
pub const MANY_ACCOUNTS: i64 = 8;
/// A key that was not used for so long is silent.
pub const SILENCE: Duration = Duration::from_hours(90 * 24);
/// So many hours back its busiest hour is sought for a key: 30 days.
pub const VOLUME_HOURS: i64 = 30 * 24;
/// Fewer tasks in an hour are never many.
pub const MANY_TASKS: i64 = 20;
/// So many times the busiest hour is many.
pub const MANY_TIMES: i64 = 3;
/// On so many of those days a key must have submitted something.
pub const VOLUME_DAYS: i64 = 7;
/// So many hours back the hours of the week are remembered for a key: 8 weeks.
pub const WEEKS_HOURS: i64 = 8 * HOURS_OF_WEEK;
/// From the first of them on so many hours must have passed: 4 weeks.
pub const LEAST_HISTORY: i64 = 4 * HOURS_OF_WEEK;
/// In so many hours of them a key must have submitted something.
pub const LEAST_ACTIVE: i64 = 20;
const HOURS_OF_WEEK: i64 = 168;
/// The epoch began on a Thursday; weeks begin on Monday.
const EPOCH: i64 = 72;

/// Why something is unusual, in figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Facts {
    /// A sign-in from somewhere new.
    SignIn {
        /// The browser, in words.
        device: String,
        /// Whether nobody signed in with this browser before, as this person.
        new_device: bool,
        /// Whether this person never signed in from this network.
        new_network: bool,
        /// Whether a second factor was asked for and has not been shown.
        half: bool,
    },
    /// Wrong passwords or factors for one person.
    Guessing {
        /// How many in an hour.
        failures: i64,
        /// From how many networks.
        networks: i64,
    },
    /// Wrong passwords from one network.
    Spraying {
        /// For how many people.
        accounts: i64,
        /// How many in an hour.
        failures: i64,
    },
    /// A key from somewhere new.
    KeyNetwork {
        /// How many networks it was used from before.
        known: i64,
    },
    /// A key after silence.
    KeySilent {
        /// Days without use.
        days: i64,
    },
    /// Many tasks.
    TaskVolume {
        /// How many in this hour so far.
        tasks: i64,
        /// In its busiest hour before.
        most: i64,
        /// On how many of the 30 days before it submitted something.
        days: i64,
    },
    /// A task at an hour that is new.
    TaskHour {
        /// The hour of the week in UTC, 0 for Monday from 00:00.
        hour: i64,
        /// In how many hours it submitted something before.
        active: i64,
        /// How many days those span.
        days: i64,
    },
}

impl Facts {
    /// What kind of thing it is.
    pub const fn kind(&self) -> AnomalyKind {
        match self {
            Self::SignIn { .. } => AnomalyKind::SignIn,
            Self::Guessing { .. } => AnomalyKind::Guessing,
            Self::Spraying { .. } => AnomalyKind::Spraying,
            Self::KeyNetwork { .. } => AnomalyKind::KeyNetwork,
            Self::KeySilent { .. } => AnomalyKind::KeySilent,
            Self::TaskVolume { .. } => AnomalyKind::TaskVolume,
            Self::TaskHour { .. } => AnomalyKind::TaskHour,
        }
    }
}

impl fmt::Display for Facts {
    /// As JSON, which is how they stand in the database.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Facts {
    type Err = serde_json::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text)
    }
}

/// What one subscriber has: an IPv4 address, or the /64 of an IPv6 one, within which a client picks any address that it likes.
pub fn host_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
        v4 => v4,
    }
}

/// The network of an address, as large as what one provider or office is known by: IPv4 /24, IPv6 /48.
pub fn network_of(address: IpAddr) -> String {
    let address = address.to_canonical();
    let length = if address.is_ipv4() { 24 } else { 48 };
    IpNet::new(address, length).map_or_else(|_| address.to_string(), |network| network.trunc().to_string())
}

/// Whether so many tasks in an hour are many for a key whose busiest hour of the last 30 days had `most`, with something
/// submitted on `days` of them.
pub const fn is_many(tasks: i64, most: i64, days: i64) -> bool {
    days >= VOLUME_DAYS && tasks >= MANY_TASKS && tasks >= most.saturating_mul(MANY_TIMES)
}

/// Why a task in the hour `now` (since the epoch) is unusual for a key that submitted something in the hours `before`; `None`
/// where it is not, and where there is too little to tell.
///
/// It is when in four weeks or more there were 20 such hours or more, they repeat (on average each hour of the week was used
/// twice), and none was within an hour of this hour of the week.
pub fn strange_hour(now: i64, before: &[i64]) -> Option<Facts> {
    let of_week = |hour: i64| (hour + EPOCH).rem_euclid(HOURS_OF_WEEK);
    let first = *before.iter().min()?;
    let active = i64::try_from(before.len()).ok()?;
    if active < LEAST_ACTIVE || now - first < LEAST_HISTORY {
        return None;
    }
    let usual: BTreeSet<_> = before.iter().map(|hour| of_week(*hour)).collect();
    let repeats = usual.len().saturating_mul(2) <= before.len();
    let near = [-1, 0, 1].into_iter().any(|by| usual.contains(&of_week(now + by)));
    (repeats && !near).then(|| Facts::TaskHour { hour: of_week(now), active, days: (now - first) / 24 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday, 5 January 1970, 00:00 UTC, and so many weeks, days and hours later.
    const fn at(week: i64, day: i64, hour: i64) -> i64 {
        96 + week * 168 + day * 24 + hour
    }

    fn office(weeks: i64) -> Vec<i64> {
        (0..weeks).flat_map(|w| (0..5).flat_map(move |d| (9..17).map(move |h| at(w, d, h)))).collect()
    }

    #[test]
    fn n_06_a_network_is_a_24_or_a_48() {
        let of = |address: &str| network_of(address.parse().unwrap());
        assert_eq!(of("192.0.2.77"), "192.0.2.0/24");
        assert_eq!(of("::ffff:192.0.2.77"), "192.0.2.0/24");
        assert_eq!(of("2001:db8:7:1::9"), "2001:db8:7::/48");
    }

    #[test]
    fn n_06_a_task_in_the_night_is_strange_for_a_key_of_office_hours_only() {
        let night = strange_hour(at(5, 5, 3), &office(5)).unwrap();
        assert_eq!(night, Facts::TaskHour { hour: 5 * 24 + 3, active: 200, days: 39 });
        assert_eq!(strange_hour(at(5, 0, 9), &office(5)), None, "the usual");
        assert_eq!(strange_hour(at(5, 0, 17), &office(5)), None, "an hour later than usual");
        assert_eq!(strange_hour(at(5, 0, 8), &office(5)), None, "an hour earlier");
        assert!(strange_hour(at(5, 0, 19), &office(5)).is_some(), "in the evening");
        let nightly: Vec<_> = (0..35).map(|day| at(0, day, 2)).collect();
        assert_eq!(strange_hour(at(5, 0, 3), &nightly), None);
        assert!(strange_hour(at(5, 0, 12), &nightly).is_some());
    }

    #[test]
    fn n_06_nothing_is_strange_without_enough_history() {
        assert_eq!(strange_hour(at(5, 5, 3), &[]), None);
        assert_eq!(strange_hour(at(3, 5, 3), &office(3)), None, "less than four weeks");
        let weekly: Vec<_> = (0..8).map(|week| at(week, 0, 6)).collect();
        assert_eq!(strange_hour(at(8, 5, 3), &weekly), None, "eight hours in eight weeks say little");
        let scattered: Vec<_> = (0..24).map(|n| at(0, 0, n * 37)).collect();
        assert_eq!(strange_hour(at(6, 5, 3), &scattered), None, "a key without habits breaks none");
    }

    #[test]
    fn n_06_many_tasks_are_many_for_this_key() {
        assert!(is_many(214, 12, 30) && is_many(36, 12, 7));
        assert!(!is_many(35, 12, 7), "less than three times as many");
        assert!(!is_many(19, 1, 30), "few are never many");
        assert!(!is_many(500, 12, 6), "a week of history is needed");
    }

    #[test]
    fn facts_stand_in_a_column_and_come_back() {
        let facts = Facts::TaskVolume { tasks: 160, most: 12, days: 9 };
        assert_eq!(facts.to_string().parse::<Facts>().unwrap(), facts);
        assert_eq!(facts.to_string(), r#"{"kind":"task_volume","tasks":160,"most":12,"days":9}"#);
        for kind in AnomalyKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
    }
}

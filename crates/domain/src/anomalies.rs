//! Anomaly detection: few, simple thresholds, which are shown with every report (N-06).
use crate::{Invalid, RunnerId, string_enum::string_enum};
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
    /// A kind of anomaly.
    AnomalyKind, "kind", {
        /// A sign-in of a person from a browser or network that is new for them.
        SignIn = "sign_in",
        /// Many wrong passwords or second factors of one person.
        Guessing = "guessing",
        /// Wrong passwords of many people from one network.
        Spraying = "spraying",
        /// An API key used from a new network.
        KeyNetwork = "key_network",
        /// An API key used after [`DORMANT_AFTER`].
        KeySilent = "key_silent",
        /// Several times as many tasks of an API key in an hour as in its busiest recent hour.
        TaskVolume = "task_volume",
        /// A task of an API key at an hour of the week at which it never submitted one.
        TaskHour = "task_hour",
        /// A runner that sent no heartbeat for [`RUNNER_SILENCE`], although nobody stopped it.
        RunnerSilent = "runner_silent",
    }
}

/// The retention of known networks after their last use.
pub const NETWORK_RETENTION: Duration = Duration::from_hours(90 * 24);
/// The retention of anomalies in a new tenant, in days after their last occurrence; the audit log keeps them forever.
pub const ANOMALY_RETENTION_DAYS: u32 = 365;
/// The maximum number of known networks of a person or key; the least recently used are dropped.
pub const MAX_KNOWN_NETWORKS: u32 = 30;
/// The length of one counting interval of failures.
pub const FAILURE_INTERVAL: Duration = Duration::from_mins(10);
/// The number of counting intervals in an hour.
pub const FAILURE_INTERVALS_PER_HOUR: i64 = 6;
/// Failures of one person in an hour that are reported.
pub const GUESSING_THRESHOLD: i64 = 10;
/// People with failures from one network in an hour that are reported.
pub const SPRAYING_THRESHOLD: i64 = 8;
/// The time without use after which a key is dormant.
pub const DORMANT_AFTER: Duration = Duration::from_hours(90 * 24);
/// The period in hours that is searched for the busiest hour of a key: 30 days.
pub const TASK_VOLUME_WINDOW_HOURS: i64 = 30 * 24;
/// Tasks in an hour below this number are never reported.
pub const MIN_UNUSUAL_TASKS: i64 = 20;
/// The factor above the busiest hour that is reported.
pub const TASK_VOLUME_FACTOR: i64 = 3;
/// The minimum number of active days of a key in that period.
pub const MIN_ACTIVE_DAYS: i64 = 7;
/// The window, in hours, of the active-hours baseline: 8 weeks.
pub const ACTIVE_HOURS_WINDOW: i64 = 8 * HOURS_OF_WEEK;
/// The minimum age of the history in hours: 4 weeks.
pub const MIN_HISTORY_HOURS: i64 = 4 * HOURS_OF_WEEK;
/// The minimum number of active hours in that period.
pub const MIN_ACTIVE_HOURS: i64 = 20;
/// The time without a heartbeat after which a runner is reported as silent (S-12).
pub const RUNNER_SILENCE: Duration = Duration::from_secs(90);
const HOURS_OF_WEEK: i64 = 168;
/// Hours from Monday 00:00 to the epoch, which began on a Thursday.
const EPOCH_OFFSET_HOURS: i64 = 72;

/// The figures behind an anomaly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AnomalyDetails {
    SignIn {
        /// A description of the browser.
        device: String,
        /// Whether this person never signed in with this browser.
        new_device: bool,
        /// Whether this person never signed in from this network.
        new_network: bool,
        /// Whether a required second factor is still missing.
        half: bool,
    },
    Guessing {
        /// Per hour.
        failures: i64,
        networks: i64,
    },
    Spraying {
        accounts: i64,
        /// Per hour.
        failures: i64,
    },
    KeyNetwork {
        /// The number of known networks.
        known: i64,
    },
    KeySilent {
        /// Days without use.
        days: i64,
    },
    TaskVolume {
        /// In this hour so far.
        tasks: i64,
        /// In the busiest hour before.
        most: i64,
        /// Active days of the 30 before.
        days: i64,
    },
    TaskHour {
        /// The hour of the week in UTC, 0 for Monday from 00:00.
        hour: i64,
        /// The number of active hours before.
        active: i64,
        /// The number of days that the active hours span.
        days: i64,
    },
    RunnerSilent {
        runner: RunnerId,
        name: String,
        /// Seconds since its last heartbeat.
        seconds: i64,
    },
}

impl AnomalyDetails {
    pub const fn kind(&self) -> AnomalyKind {
        match self {
            Self::SignIn { .. } => AnomalyKind::SignIn,
            Self::Guessing { .. } => AnomalyKind::Guessing,
            Self::Spraying { .. } => AnomalyKind::Spraying,
            Self::KeyNetwork { .. } => AnomalyKind::KeyNetwork,
            Self::KeySilent { .. } => AnomalyKind::KeySilent,
            Self::TaskVolume { .. } => AnomalyKind::TaskVolume,
            Self::TaskHour { .. } => AnomalyKind::TaskHour,
            Self::RunnerSilent { .. } => AnomalyKind::RunnerSilent,
        }
    }
}

impl fmt::Display for AnomalyDetails {
    /// Writes the JSON that the database stores.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for AnomalyDetails {
    type Err = serde_json::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text)
    }
}

/// Returns the address range of one subscriber: an IPv4 address, or the /64 of an IPv6 address, within which a client
/// can choose any address.
pub fn subscriber_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
        v4 => v4,
    }
}

/// Returns the /48 network of an IPv6 address, the largest that providers assign to one customer.
///
/// ```
/// let site = domain::anomalies::site_of("2001:db8:7:1::9".parse().unwrap());
/// assert_eq!(site, Some("2001:db8:7::".parse().unwrap()));
/// ```
pub fn site_of(address: IpAddr) -> Option<IpAddr> {
    match address.to_canonical() {
        IpAddr::V6(v6) => Some(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 80)).into()),
        IpAddr::V4(_) => None,
    }
}

/// Returns the network of an address at the size that identifies a provider or an office: IPv4 /24, IPv6 /48.
///
/// ```
/// assert_eq!(domain::anomalies::network_of("192.0.2.77".parse().unwrap()), "192.0.2.0/24");
/// ```
pub fn network_of(address: IpAddr) -> String {
    let address = address.to_canonical();
    let length = if address.is_ipv4() { 24 } else { 48 };
    IpNet::new(address, length).map_or_else(|_| address.to_string(), |network| network.trunc().to_string())
}

/// Returns whether this number of tasks in an hour is an anomaly for a key whose busiest hour of the last 30 days had
/// `most`, with `days` active days.
pub const fn is_unusual_volume(tasks: i64, most: i64, days: i64) -> bool {
    days >= MIN_ACTIVE_DAYS && tasks >= MIN_UNUSUAL_TASKS && tasks >= most.saturating_mul(TASK_VOLUME_FACTOR)
}

/// Returns why a task in the hour `now` (since the epoch) is an anomaly for a key with the active hours `before`;
/// `None` if it is not, or if the history is too short.
///
/// The history is sufficient with at least 20 active hours over at least four weeks that repeat (each hour of the week
/// was used twice on average). The task is an anomaly if no active hour is within one hour of this hour of the week.
pub fn unusual_hour(now: i64, before: &[i64]) -> Option<AnomalyDetails> {
    let of_week = |hour: i64| (hour + EPOCH_OFFSET_HOURS).rem_euclid(HOURS_OF_WEEK);
    let first = *before.iter().min()?;
    let active = i64::try_from(before.len()).ok()?;
    if active < MIN_ACTIVE_HOURS || now - first < MIN_HISTORY_HOURS {
        return None;
    }
    let usual_hours: BTreeSet<_> = before.iter().map(|hour| of_week(*hour)).collect();
    let is_regular = usual_hours.len().saturating_mul(2) <= before.len();
    let is_near = [-1, 0, 1].into_iter().any(|by| usual_hours.contains(&of_week(now + by)));
    (is_regular && !is_near).then(|| AnomalyDetails::TaskHour { hour: of_week(now), active, days: (now - first) / 24 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the hour that is this many weeks, days and hours after Monday, 5 January 1970, 00:00 UTC.
    const fn at(week: i64, day: i64, hour: i64) -> i64 {
        96 + week * 168 + day * 24 + hour
    }

    fn office(weeks: i64) -> Vec<i64> {
        (0..weeks).flat_map(|w| (0..5).flat_map(move |d| (9..17).map(move |h| at(w, d, h)))).collect()
    }

    #[test]
    fn n_06_networks_are_ipv4_24_and_ipv6_48() {
        let of = |address: &str| network_of(address.parse().unwrap());
        assert_eq!(of("192.0.2.77"), "192.0.2.0/24");
        assert_eq!(of("::ffff:192.0.2.77"), "192.0.2.0/24");
        assert_eq!(of("2001:db8:7:1::9"), "2001:db8:7::/48");
    }

    #[test]
    fn n_06_a_task_at_night_is_an_anomaly_for_a_key_with_office_hours() {
        let night = unusual_hour(at(5, 5, 3), &office(5)).unwrap();
        assert_eq!(night, AnomalyDetails::TaskHour { hour: 5 * 24 + 3, active: 200, days: 39 });
        assert_eq!(unusual_hour(at(5, 0, 9), &office(5)), None, "the usual");
        assert_eq!(unusual_hour(at(5, 0, 17), &office(5)), None, "an hour later than usual");
        assert_eq!(unusual_hour(at(5, 0, 8), &office(5)), None, "an hour earlier");
        assert!(unusual_hour(at(5, 0, 19), &office(5)).is_some(), "in the evening");
        let nightly: Vec<_> = (0..35).map(|day| at(0, day, 2)).collect();
        assert_eq!(unusual_hour(at(5, 0, 3), &nightly), None);
        assert!(unusual_hour(at(5, 0, 12), &nightly).is_some());
    }

    #[test]
    fn n_06_a_short_history_gives_no_anomaly() {
        assert_eq!(unusual_hour(at(5, 5, 3), &[]), None);
        assert_eq!(unusual_hour(at(3, 5, 3), &office(3)), None, "less than four weeks");
        let weekly: Vec<_> = (0..8).map(|week| at(week, 0, 6)).collect();
        assert_eq!(unusual_hour(at(8, 5, 3), &weekly), None, "eight hours in eight weeks are too few");
        let scattered: Vec<_> = (0..24).map(|n| at(0, 0, n * 37)).collect();
        assert_eq!(unusual_hour(at(6, 5, 3), &scattered), None, "an irregular key has no usual hours");
    }

    #[test]
    fn n_06_task_volume_is_compared_with_the_history_of_the_key() {
        assert!(is_unusual_volume(214, 12, 30) && is_unusual_volume(36, 12, 7));
        assert!(!is_unusual_volume(35, 12, 7), "less than three times the busiest hour");
        assert!(!is_unusual_volume(19, 1, 30), "below the minimum");
        assert!(!is_unusual_volume(500, 12, 6), "a week of history is needed");
    }

    #[test]
    fn facts_round_trip_through_their_column() {
        let facts = AnomalyDetails::TaskVolume { tasks: 160, most: 12, days: 9 };
        assert_eq!(facts.to_string().parse::<AnomalyDetails>().unwrap(), facts);
        assert_eq!(facts.to_string(), r#"{"kind":"task_volume","tasks":160,"most":12,"days":9}"#);
        for kind in AnomalyKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
    }
}

//! Security events without a known tenant (K-05), written to the server log only. Lines are limited per network; suppressed
//! lines are counted and reported after a minute.
use crate::{clock::now, rates::subject::Subject};
use domain::security::SecurityEvent;
use parking_lot::Mutex;
use serde_json::json;
use std::{
    collections::HashMap,
    mem,
    net::IpAddr,
    time::{Duration, Instant},
};
use store::SecurityLogEntry;
use tokio::time::sleep;

/// Maximum number of lines per event and network in a minute.
const MAX_LINES_PER_MINUTE: u32 = 5;
const MINUTE: Duration = Duration::from_mins(1);
/// Maximum number of networks with separate limits; all others share one.
const MAX_NETWORKS: usize = 500;

/// Lines of the last minute. The process has one log, so this is global.
static RECENT_LINES: Mutex<Option<RecentLines>> = Mutex::new(None);

/// Logs a rejected request; `target` must not contain secrets.
pub(crate) fn refused(
    event: SecurityEvent,
    address: Option<IpAddr>,
    key_prefix: Option<&str>,
    target: &str,
    reason: &str,
) {
    store::metrics().count_security_event(event);
    let entry = SecurityLogEntry {
        event,
        at: now(),
        tenant: None,
        source_ip: address.map(|address| address.to_string()),
        key_prefix: key_prefix.map(str::to_owned),
        target: target.to_owned(),
        details: json!({ "reason": reason }),
    };
    let at = Instant::now();
    let (admission, expired) = with(|recent| (recent.admit(event, address, &entry, at), recent.expired(at)));
    expired.into_iter().for_each(Suppressed::log);
    match admission {
        Admission::Written => entry.log(),
        Admission::Suppressed => {}
        // The first suppressed line starts a task that reports it later.
        Admission::FirstSuppressed => drop(tokio::spawn(log_suppressed_later())),
    }
}

/// Logs all suppressed lines now, at shutdown.
pub(crate) fn log_all_suppressed() {
    with(RecentLines::all).into_iter().for_each(Suppressed::log);
}

/// Logs suppressed lines after their minute, until there are none.
async fn log_suppressed_later() {
    while let Some(next) = with(RecentLines::next) {
        sleep(next.saturating_duration_since(Instant::now())).await;
        with(|recent| recent.expired(Instant::now())).into_iter().for_each(Suppressed::log);
    }
}

fn with<T>(work: impl FnOnce(&mut RecentLines) -> T) -> T {
    let mut recent = RECENT_LINES.lock();
    work(recent.get_or_insert_default())
}

/// Event and network of a line; `None` for all networks beyond the limit.
type LineKey = (SecurityEvent, Option<Subject>);

/// Lines of the last minute, by event and network.
#[derive(Default)]
struct RecentLines {
    by_network: HashMap<LineKey, Lines>,
    /// Whether a task waits to report suppressed lines.
    has_pending_task: bool,
}

/// Lines of one event and network.
struct Lines {
    since: Instant,
    written: u32,
    suppressed: Option<Suppressed>,
}

/// Suppressed lines.
struct Suppressed {
    last: SecurityLogEntry,
    more: u64,
}

/// Decision about a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admission {
    Written,
    Suppressed,
    /// Suppressed, and no task waits yet to report it.
    FirstSuppressed,
}

impl RecentLines {
    fn admit(
        &mut self,
        event: SecurityEvent,
        address: Option<IpAddr>,
        entry: &SecurityLogEntry,
        now: Instant,
    ) -> Admission {
        let own = (event, address.map(Subject::of));
        if !self.by_network.contains_key(&own) && self.by_network.len() >= MAX_NETWORKS {
            self.by_network.retain(|_, lines| lines.suppressed.is_some() || !lines.has_expired(now));
        }
        let is_room = self.by_network.contains_key(&own) || self.by_network.len() < MAX_NETWORKS;
        let key = if is_room { own } else { (event, None) };
        let lines = self.by_network.entry(key).or_insert(Lines { since: now, written: 0, suppressed: None });
        if lines.has_expired(now) && lines.suppressed.is_none() {
            *lines = Lines { since: now, written: 0, suppressed: None };
        }
        if lines.written < MAX_LINES_PER_MINUTE {
            lines.written += 1;
            return Admission::Written;
        }
        let more = lines.suppressed.take().map_or(0, |lines| lines.more) + 1;
        lines.suppressed = Some(Suppressed { last: entry.clone(), more });
        if mem::replace(&mut self.has_pending_task, true) { Admission::Suppressed } else { Admission::FirstSuppressed }
    }

    /// Takes the suppressed lines whose minute has passed.
    fn expired(&mut self, now: Instant) -> Vec<Suppressed> {
        let expired = self.by_network.values_mut().filter(|lines| lines.has_expired(now));
        expired.filter_map(|lines| lines.suppressed.take()).collect()
    }

    fn all(&mut self) -> Vec<Suppressed> {
        self.by_network.values_mut().filter_map(|lines| lines.suppressed.take()).collect()
    }

    /// Returns when the next minute with suppressed lines ends; `None` ends the waiting task.
    fn next(&mut self) -> Option<Instant> {
        let suppressed = self.by_network.values().filter(|lines| lines.suppressed.is_some());
        let next = suppressed.map(|lines| lines.since + MINUTE).min();
        self.has_pending_task = next.is_some();
        next
    }
}

impl Lines {
    fn has_expired(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= MINUTE
    }
}

impl Suppressed {
    /// Logs a line like the last suppressed one, with their number.
    fn log(self) {
        let Self { mut last, more } = self;
        last.at = now();
        last.details = json!({ "reason": last.details["reason"], "more_like_this": more });
        last.log();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    const FAILURE: SecurityEvent = SecurityEvent::AuthenticationFailure;

    fn entry(target: &str) -> SecurityLogEntry {
        let (source_ip, key_prefix, details) = (None, None, json!({ "reason": "a test" }));
        SecurityLogEntry {
            event: FAILURE,
            at: now(),
            tenant: None,
            source_ip,
            key_prefix,
            target: target.into(),
            details,
        }
    }

    fn written(recent: &mut RecentLines, address: IpAddr, times: u32, now: Instant) -> usize {
        let line = entry("POST /actions/login/sign-in");
        (0..times).filter(|_| recent.admit(FAILURE, Some(address), &line, now) == Admission::Written).count()
    }

    #[test]
    fn k_05_a_noisy_network_does_not_hide_others_and_suppressed_lines_are_counted() {
        let (mut recent, start) = (RecentLines::default(), Instant::now());
        let (loud, quiet) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        assert_eq!(written(&mut recent, loud, 10_000, start), 5);
        assert_eq!(written(&mut recent, quiet, 1, start), 1);
        let other = SecurityEvent::AgentConnectionFailure;
        assert_eq!(recent.admit(other, Some(loud), &entry("runner port"), start), Admission::Written, "another kind");
        assert!(recent.expired(start + MINUTE / 2).is_empty(), "its minute has not passed");
        assert_eq!(recent.next(), Some(start + MINUTE));
        let expired = recent.expired(start + MINUTE);
        assert_eq!(expired.iter().map(|lines| lines.more).collect::<Vec<_>>(), [9_995]);
        assert_eq!((recent.next(), recent.has_pending_task), (None, false));
        assert_eq!(written(&mut recent, loud, 10, start + MINUTE), 5, "the next minute is another");
        assert_eq!(recent.all().iter().map(|lines| lines.more).collect::<Vec<_>>(), [5], "nothing is lost at the end");
    }

    #[test]
    fn k_05_one_task_waits_for_all_suppressed_lines() {
        let (mut recent, start, line) = (RecentLines::default(), Instant::now(), entry("x"));
        let mut take = |last| recent.admit(FAILURE, Some(IpAddr::from([192, 0, 2, last])), &line, start);
        let admissions: Vec<_> = [1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2].into_iter().map(&mut take).collect();
        let first = admissions.iter().filter(|admission| **admission == Admission::FirstSuppressed).count();
        assert_eq!((first, admissions.iter().filter(|admission| **admission == Admission::Suppressed).count()), (1, 2));
    }

    #[test]
    fn k_05_a_slash_64_is_one_network_and_memory_is_bounded() {
        let (mut recent, start) = (RecentLines::default(), Instant::now());
        let at = |n: u128| IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8 << 96) | n));
        let one: usize = (0..1_000).map(|n| written(&mut recent, at(n), 1, start)).sum();
        assert_eq!(one, 5);
        let many: usize = (0..100_000_u32).map(|n| written(&mut recent, Ipv4Addr::from(n).into(), 1, start)).sum();
        assert_eq!(many, MAX_NETWORKS - 1 + 5, "the rest share the lines of one");
        assert_eq!(recent.by_network.len(), MAX_NETWORKS + 1);
        assert_eq!(written(&mut recent, at(1 << 64), 1, start + MINUTE), 1, "those that are expired make room");
        assert!(recent.by_network.len() <= 3, "{}", recent.by_network.len());
    }
}

//! Security events about those of whom no tenant is known, and which so are in no audit log (K-05): for the log alone. Each
//! network has few lines for itself; what is left out is counted, and told when its minute is over.
use crate::{rates::Subject, state::now};
use domain::security::SecurityEvent;
use serde_json::json;
use std::{
    collections::HashMap,
    mem,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use store::SecurityLogEntry;
use tokio::time::sleep;

/// So many lines of a kind are written for one network within a minute.
const MOST: u32 = 5;
const MINUTE: Duration = Duration::from_mins(1);
/// So many networks have lines for themselves within a minute; all others share those of one.
const NETWORKS: usize = 500;

/// What was written lately. The process has one log, and so one of these.
static LATELY: Mutex<Option<Lately>> = Mutex::new(None);

/// Writes that somebody was refused; `target` is what they asked for, without what may be secret in it.
pub(crate) fn refused(
    event: SecurityEvent,
    address: Option<IpAddr>,
    key_prefix: Option<&str>,
    target: &str,
    reason: &str,
) {
    let told = SecurityLogEntry {
        event,
        at: now(),
        tenant: None,
        source_ip: address.map(|address| address.to_string()),
        key_prefix: key_prefix.map(str::to_owned),
        target: target.to_owned(),
        details: json!({ "reason": reason }),
    };
    let at = Instant::now();
    let (room, over) = with(|lately| (lately.take(event, address, &told, at), lately.over(at)));
    over.into_iter().for_each(Left::log);
    match room {
        Room::Written => told.log(),
        Room::LeftOut => {}
        // The first of them that is left out sees to it that it is told, should nobody come again.
        Room::FirstLeftOut => drop(tokio::spawn(tell_later())),
    }
}

/// Writes how much was left out so far: there is no later.
pub(crate) fn tell_the_rest() {
    with(Lately::all).into_iter().for_each(Left::log);
}

/// Waits until nothing is left out any more, telling each when its minute is over.
async fn tell_later() {
    while let Some(next) = with(Lately::next) {
        sleep(next.saturating_duration_since(Instant::now())).await;
        with(|lately| lately.over(Instant::now())).into_iter().for_each(Left::log);
    }
}

fn with<T>(work: impl FnOnce(&mut Lately) -> T) -> T {
    let mut lately = LATELY.lock().unwrap_or_else(PoisonError::into_inner);
    work(lately.get_or_insert_default())
}

/// Whose lines are counted: a kind of event and the network that it comes from; `None` for all for whom there was no room.
type Whose = (SecurityEvent, Option<Subject>);

/// The lines of the last minute.
#[derive(Default)]
struct Lately {
    by_network: HashMap<Whose, Lines>,
    /// Whether somebody waits to tell what was left out.
    is_awaited: bool,
}

/// The lines of one network.
struct Lines {
    since: Instant,
    written: u32,
    left_out: Option<Left>,
}

/// What was left out.
struct Left {
    /// The last of them.
    last: SecurityLogEntry,
    more: u64,
}

/// Whether there is room for a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Written,
    LeftOut,
    /// And nobody waits yet to tell of it.
    FirstLeftOut,
}

impl Lately {
    fn take(&mut self, event: SecurityEvent, address: Option<IpAddr>, told: &SecurityLogEntry, now: Instant) -> Room {
        let own = (event, address.map(Subject::of));
        if !self.by_network.contains_key(&own) && self.by_network.len() >= NETWORKS {
            self.by_network.retain(|_, lines| lines.left_out.is_some() || !lines.is_over(now));
        }
        let is_room = self.by_network.contains_key(&own) || self.by_network.len() < NETWORKS;
        let whose = if is_room { own } else { (event, None) };
        let lines = self.by_network.entry(whose).or_insert(Lines { since: now, written: 0, left_out: None });
        if lines.is_over(now) && lines.left_out.is_none() {
            *lines = Lines { since: now, written: 0, left_out: None };
        }
        if lines.written < MOST {
            lines.written += 1;
            return Room::Written;
        }
        let more = lines.left_out.take().map_or(0, |left| left.more) + 1;
        lines.left_out = Some(Left { last: told.clone(), more });
        if mem::replace(&mut self.is_awaited, true) { Room::LeftOut } else { Room::FirstLeftOut }
    }

    /// What was left out in minutes that are over.
    fn over(&mut self, now: Instant) -> Vec<Left> {
        let over = self.by_network.values_mut().filter(|lines| lines.is_over(now));
        over.filter_map(|lines| lines.left_out.take()).collect()
    }

    fn all(&mut self) -> Vec<Left> {
        self.by_network.values_mut().filter_map(|lines| lines.left_out.take()).collect()
    }

    /// When the next such minute is over; after `None` nobody waits any more.
    fn next(&mut self) -> Option<Instant> {
        let left_out = self.by_network.values().filter(|lines| lines.left_out.is_some());
        let next = left_out.map(|lines| lines.since + MINUTE).min();
        self.is_awaited = next.is_some();
        next
    }
}

impl Lines {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= MINUTE
    }
}

impl Left {
    /// As a line that is like the last of them, and says how many there were.
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

    fn told(target: &str) -> SecurityLogEntry {
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

    fn written(lately: &mut Lately, address: IpAddr, times: u32, now: Instant) -> usize {
        let line = told("POST /actions/login/sign-in");
        (0..times).filter(|_| lately.take(FAILURE, Some(address), &line, now) == Room::Written).count()
    }

    #[test]
    fn k_05_a_loud_stranger_hides_no_other_and_what_is_left_out_is_counted() {
        let (mut lately, begun) = (Lately::default(), Instant::now());
        let (loud, quiet) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        assert_eq!(written(&mut lately, loud, 10_000, begun), 5);
        assert_eq!(written(&mut lately, quiet, 1, begun), 1);
        let other = SecurityEvent::AgentConnectionFailure;
        assert_eq!(lately.take(other, Some(loud), &told("runner port"), begun), Room::Written, "another kind");
        assert!(lately.over(begun + MINUTE / 2).is_empty(), "its minute is not over");
        assert_eq!(lately.next(), Some(begun + MINUTE));
        let over = lately.over(begun + MINUTE);
        assert_eq!(over.iter().map(|left| left.more).collect::<Vec<_>>(), [9_995]);
        assert_eq!((lately.next(), lately.is_awaited), (None, false));
        assert_eq!(written(&mut lately, loud, 10, begun + MINUTE), 5, "the next minute is another");
        assert_eq!(lately.all().iter().map(|left| left.more).collect::<Vec<_>>(), [5], "nothing is lost at the end");
    }

    #[test]
    fn k_05_one_waits_for_all_that_is_left_out() {
        let (mut lately, begun, line) = (Lately::default(), Instant::now(), told("x"));
        let mut take = |last| lately.take(FAILURE, Some(IpAddr::from([192, 0, 2, last])), &line, begun);
        let rooms: Vec<_> = [1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2].into_iter().map(&mut take).collect();
        let first = rooms.iter().filter(|room| **room == Room::FirstLeftOut).count();
        assert_eq!((first, rooms.iter().filter(|room| **room == Room::LeftOut).count()), (1, 2));
    }

    #[test]
    fn k_05_a_slash_64_is_one_stranger_and_memory_is_bounded() {
        let (mut lately, begun) = (Lately::default(), Instant::now());
        let at = |n: u128| IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8 << 96) | n));
        let one: usize = (0..1_000).map(|n| written(&mut lately, at(n), 1, begun)).sum();
        assert_eq!(one, 5);
        let many: usize = (0..100_000_u32).map(|n| written(&mut lately, Ipv4Addr::from(n).into(), 1, begun)).sum();
        assert_eq!(many, NETWORKS - 1 + 5, "the rest share the lines of one");
        assert_eq!(lately.by_network.len(), NETWORKS + 1);
        assert_eq!(written(&mut lately, at(1 << 64), 1, begun + MINUTE), 1, "those that are over make room");
        assert!(lately.by_network.len() <= 3, "{}", lately.by_network.len());
    }
}

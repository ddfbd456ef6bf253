//! Connection registry: limits of open connections in total and per client network, and eviction of the slowest clients.

use super::activity::Activity;
use domain::anomalies::{site_of, subscriber_of};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A provider assigns an IPv6 customer up to a /48, which has 65,536 networks of the size that counts as one address.
const SITE_FACTOR: usize = 4;
/// Connections are evicted in batches of this part of a limit, so that a flood does not cause a scan for each connection.
const BATCH: usize = 64;
/// A client has this time to send its request before its connection can be evicted.
const MIN_AGE: Duration = Duration::from_secs(1);

/// Limits of open connections.
#[derive(Debug, Clone)]
pub(super) struct ConnectionLimits {
    total: usize,
    per_address: usize,
    open: Arc<Mutex<OpenConnections>>,
}

/// Client network whose connections are limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Network {
    /// IPv4 address or IPv6 /64 network.
    Address(IpAddr),
    /// IPv6 /48 network.
    Site(IpAddr),
}

#[derive(Debug, Default)]
struct OpenConnections {
    next_id: u64,
    connections: BTreeMap<u64, OpenConnection>,
    by_network: HashMap<Network, BTreeSet<u64>>,
    /// Evicted connections that are not closed yet.
    closing: usize,
}

#[derive(Debug)]
struct OpenConnection {
    activity: Arc<Activity>,
    evicted: CancellationToken,
    networks: Vec<Network>,
}

/// Permit for an open connection, which is released when dropped.
#[derive(Debug)]
pub(super) struct Permit {
    id: u64,
    open: Arc<Mutex<OpenConnections>>,
    pub(super) activity: Arc<Activity>,
    /// Cancelled when the connection must close to make room for others.
    pub(super) evicted: CancellationToken,
}

impl ConnectionLimits {
    pub(super) fn new(total: usize, per_address: usize) -> Self {
        Self { total, per_address, open: Arc::default() }
    }

    /// Returns a permit for a connection. If a limit is reached, the slowest connections are evicted; returns `None` if there
    /// are none to evict. An `exempt` peer, such as a proxy for many clients, counts only toward the total.
    pub(super) fn acquire(&self, peer: IpAddr, exempt: bool, now: Instant) -> Option<Permit> {
        let networks = if exempt { vec![] } else { Network::all_of(peer) };
        let mut open = self.open.lock();
        for network in &networks {
            let limit = self.limit(*network);
            if open.by_network.get(network).is_some_and(|ids| ids.len() >= limit) {
                open.evict(Some(*network), limit.div_ceil(BATCH), now);
                if open.by_network.get(network).is_some_and(|ids| ids.len() >= limit) {
                    return None;
                }
            }
        }
        let batch = self.total.div_ceil(BATCH);
        if open.connections.len() >= self.total {
            open.evict(None, batch, now);
        }
        // Evicted connections need file descriptors until their tasks have ended.
        if open.connections.len() >= self.total || open.closing > 4 * batch {
            return None;
        }
        let permit = Permit {
            id: open.next_id,
            open: Arc::clone(&self.open),
            activity: Activity::new(),
            evicted: CancellationToken::new(),
        };
        open.next_id += 1;
        for network in &networks {
            open.by_network.entry(*network).or_default().insert(permit.id);
        }
        let (activity, evicted) = (Arc::clone(&permit.activity), permit.evicted.clone());
        open.connections.insert(permit.id, OpenConnection { activity, evicted, networks });
        drop(open);
        Some(permit)
    }

    fn limit(&self, network: Network) -> usize {
        match network {
            Network::Address(_) => self.per_address,
            Network::Site(_) => self.per_address.saturating_mul(SITE_FACTOR),
        }
    }
}

impl Network {
    fn all_of(peer: IpAddr) -> Vec<Self> {
        let site = site_of(peer).map(Self::Site);
        std::iter::once(Self::Address(subscriber_of(peer))).chain(site).collect()
    }
}

impl OpenConnections {
    /// Closes up to `batch` connections, of a network or of all: anonymous ones that are the longest in the same state; if there
    /// are none, authenticated ones that have waited the longest for their client. Responses to authenticated clients are
    /// never cut off.
    fn evict(&mut self, network: Option<Network>, batch: usize, now: Instant) {
        let candidate = |id: &u64| {
            let activity = &self.connections.get(id)?.activity;
            let authenticated = activity.is_authenticated();
            let since = if authenticated { activity.waiting_since()? } else { activity.since() };
            (since + MIN_AGE <= now).then_some((authenticated, since, *id))
        };
        let mut candidates: Vec<_> = match network {
            Some(network) => self.by_network.get(&network).into_iter().flatten().filter_map(candidate).collect(),
            None => self.connections.keys().filter_map(candidate).collect(),
        };
        candidates.sort_unstable();
        let authenticated = candidates.first().is_some_and(|first| first.0);
        for (_, _, id) in candidates.into_iter().filter(|candidate| candidate.0 == authenticated).take(batch) {
            if let Some(connection) = self.remove(id) {
                connection.evicted.cancel();
                self.closing += 1;
            }
        }
    }

    fn remove(&mut self, id: u64) -> Option<OpenConnection> {
        let connection = self.connections.remove(&id)?;
        for network in &connection.networks {
            if let Some(ids) = self.by_network.get_mut(network) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.by_network.remove(network);
                }
            }
        }
        Some(connection)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.open.lock();
        if open.remove(self.id).is_none() {
            open.closing = open.closing.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn soon() -> Instant {
        Instant::now() + MIN_AGE
    }

    #[test]
    fn one_address_cannot_use_all_connections_and_releases_its_permits() {
        let limits = ConnectionLimits::new(3, 2);
        let acquire = |peer: &str| limits.acquire(ip(peer), false, Instant::now());
        let first = acquire("192.0.2.1").unwrap();
        let _second = acquire("::ffff:192.0.2.1").unwrap();
        assert!(acquire("192.0.2.1").is_none());
        let other = acquire("192.0.2.2").unwrap();
        assert!(acquire("192.0.2.3").is_none(), "the total is reached");
        drop((first, other));
        assert!(acquire("192.0.2.1").is_some());
        assert_eq!(limits.open.lock().by_network.len(), 1);
    }

    #[test]
    fn a_slash_64_network_counts_as_one_address_and_a_trusted_proxy_is_exempt() {
        let limits = ConnectionLimits::new(10, 1);
        let acquire = |peer: &str, exempt| limits.acquire(ip(peer), exempt, Instant::now());
        let _first = acquire("2001:db8::1", false).unwrap();
        assert!(acquire("2001:db8::ffff:2", false).is_none());
        assert!(acquire("2001:db8:0:1::1", false).is_some());
        let _proxied = [acquire("10.0.0.1", true).unwrap(), acquire("10.0.0.1", true).unwrap()];
    }

    #[test]
    fn k_07_a_slash_48_network_has_four_times_the_limit_of_an_address() {
        let limits = ConnectionLimits::new(100, 2);
        let from = |site: u16, subnet: u16| {
            limits.acquire(ip(&format!("2001:db8:{site:x}:{subnet:x}::1")), false, Instant::now())
        };
        let held: Vec<_> = (0..8).map(|subnet| from(1, subnet).unwrap()).collect();
        assert!(from(1, 99).is_none(), "another /64 of the same /48");
        assert!(from(2, 0).is_some());
        drop(held);
        assert!(from(1, 99).is_some());
    }

    #[test]
    fn k_07_the_slowest_anonymous_connection_is_evicted_once_it_had_its_time() {
        let limits = ConnectionLimits::new(3, 3);
        let acquire = |peer: &str, now| limits.acquire(ip(peer), false, now);
        let known = acquire("192.0.2.1", Instant::now()).unwrap();
        known.activity.mark_authenticated();
        let slowest = acquire("192.0.2.2", Instant::now()).unwrap();
        let slow = acquire("192.0.2.3", Instant::now()).unwrap();
        assert!(acquire("192.0.2.4", Instant::now()).is_none(), "nobody had time to send a request");
        let next = acquire("192.0.2.4", soon()).unwrap();
        assert!(slowest.evicted.is_cancelled() && !slow.evicted.is_cancelled());
        drop((slowest, slow, next));
        let _others = ["192.0.2.5", "192.0.2.6"].map(|peer| acquire(peer, Instant::now()).unwrap());
        assert!(!known.evicted.is_cancelled());
    }

    #[test]
    fn k_07_an_address_at_its_limit_evicts_its_own_slowest_connection() {
        let limits = ConnectionLimits::new(10, 1);
        let other = limits.acquire(ip("192.0.2.1"), false, Instant::now()).unwrap();
        let slow = limits.acquire(ip("192.0.2.2"), false, Instant::now()).unwrap();
        let _next = limits.acquire(ip("192.0.2.2"), false, soon()).unwrap();
        assert!(slow.evicted.is_cancelled() && !other.evicted.is_cancelled());
    }

    #[test]
    fn k_07_a_response_to_an_authenticated_client_is_not_cut_off() {
        let limits = ConnectionLimits::new(1, 1);
        let stream = limits.acquire(ip("192.0.2.1"), false, Instant::now()).unwrap();
        stream.activity.mark_authenticated();
        let response = stream.activity.begin();
        assert!(limits.acquire(ip("192.0.2.2"), false, soon()).is_none());
        let body = stream.activity.receive();
        assert!(limits.acquire(ip("192.0.2.2"), false, soon()).is_some(), "a client that is still sending is slow");
        assert!(stream.evicted.is_cancelled());
        drop((response, body, stream));
        let open = limits.open.lock();
        assert_eq!((open.connections.len(), open.closing), (0, 0));
    }
}

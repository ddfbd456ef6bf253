//! Key usage cache: limits the records of a key's use to one an hour for each network, rather than one per request (N-06).
use domain::{KeyId, anomalies::network_of};
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

const HOUR: Duration = Duration::from_hours(1);
/// The size limit. A full cache is cleared, which costs one write for each key that is used again.
const MAX_ENTRIES: usize = 20_000;

/// The last record of each key and network.
#[derive(Debug, Default)]
pub struct KeyUsageCache(Mutex<HashMap<(KeyId, String), Instant>>);

impl KeyUsageCache {
    /// Returns whether a use of this key from this address must be recorded now.
    pub(super) fn is_due(&self, key: KeyId, address: IpAddr, now: Instant) -> bool {
        let entry = (key, network_of(address));
        let mut known = self.0.lock();
        if known.get(&entry).is_some_and(|at| now.duration_since(*at) < HOUR) {
            return false;
        }
        if known.len() >= MAX_ENTRIES {
            known.retain(|_, at| now.duration_since(*at) < HOUR);
        }
        if known.len() >= MAX_ENTRIES {
            known.clear();
        }
        known.insert(entry, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn n_06_a_key_is_recorded_once_an_hour_for_each_network() {
        let (cache, start, key) = (KeyUsageCache::default(), Instant::now(), KeyId(Uuid::nil()));
        let is_due = |address: &str, at| cache.is_due(key, address.parse().unwrap(), at);
        assert!(is_due("192.0.2.1", start));
        assert!(!is_due("192.0.2.200", start + HOUR / 2), "the same network");
        assert!(is_due("198.51.100.1", start + HOUR / 2));
        assert!(is_due("192.0.2.1", start + HOUR));
        assert!(!is_due("198.51.100.1", start + HOUR));
        let elsewhere = |n: u128| cache.is_due(KeyId(Uuid::from_u128(n)), [10, 0, 0, 1].into(), start);
        assert_eq!((1..=21_000).filter(|n| elsewhere(*n)).count(), 21_000);
        assert!(cache.0.lock().len() <= MAX_ENTRIES);
    }
}

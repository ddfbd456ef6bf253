//! Which keys were used from which networks lately, in memory: the store hears of each once an hour, and not with every
//! request (N-06).
use domain::{KeyId, anomalies::network_of};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// For how long the store is not told again.
const HOUR: Duration = Duration::from_hours(1);
/// So many are remembered; when there are more, all are forgotten, which costs a write for each that comes again.
const MOST: usize = 20_000;

/// What was told lately.
#[derive(Debug, Default)]
pub struct KeyUsageCache(Mutex<HashMap<(KeyId, String), Instant>>);

impl KeyUsageCache {
    /// Whether the store is to hear that a key is used from here.
    pub(super) fn is_news(&self, key: KeyId, address: IpAddr, now: Instant) -> bool {
        let place = (key, network_of(address));
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.get(&place).is_some_and(|at| now.duration_since(*at) < HOUR) {
            return false;
        }
        if known.len() >= MOST {
            known.retain(|_, at| now.duration_since(*at) < HOUR);
        }
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(place, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn n_06_a_key_in_its_place_is_told_once_an_hour_and_elsewhere_at_once() {
        let (places, start, key) = (KeyUsageCache::default(), Instant::now(), KeyId(Uuid::nil()));
        let news = |address: &str, at| places.is_news(key, address.parse().unwrap(), at);
        assert!(news("192.0.2.1", start));
        assert!(!news("192.0.2.200", start + HOUR / 2), "the same network");
        assert!(news("198.51.100.1", start + HOUR / 2));
        assert!(news("192.0.2.1", start + HOUR));
        assert!(!news("198.51.100.1", start + HOUR));
        let elsewhere = |n: u128| places.is_news(KeyId(Uuid::from_u128(n)), [10, 0, 0, 1].into(), start);
        assert_eq!((1..=21_000).filter(|n| elsewhere(*n)).count(), 21_000);
        assert!(places.0.lock().unwrap().len() <= MOST);
    }
}

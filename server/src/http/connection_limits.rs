//! How many connections are open, in all and from one address.

use domain::anomalies::host_of;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Counts open connections; a clone counts on the same counters.
#[derive(Debug, Clone)]
pub(super) struct Caps {
    total: usize,
    per_address: usize,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_source: HashMap<IpAddr, usize>,
}

/// A place among the open connections, free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    open: Arc<Mutex<Open>>,
    source: Option<IpAddr>,
}

impl Caps {
    pub(super) fn new(total: usize, per_address: usize) -> Self {
        Self { total, per_address, open: Arc::default() }
    }

    /// A place for one more connection, or `None` when there is none left. An `exempt` peer, a
    /// proxy that speaks for many, counts in the total alone.
    pub(super) fn enter(&self, peer: IpAddr, exempt: bool) -> Option<Place> {
        let source = (!exempt).then(|| host_of(peer));
        let mut open = lock(&self.open);
        if open.total >= self.total {
            return None;
        }
        if let Some(source) = source {
            let count = open.by_source.entry(source).or_default();
            if *count >= self.per_address {
                return None;
            }
            *count += 1;
        }
        open.total += 1;
        drop(open);
        Some(Place { open: Arc::clone(&self.open), source })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        open.total = open.total.saturating_sub(1);
        if let Some(source) = self.source
            && let Some(count) = open.by_source.get_mut(&source)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.by_source.remove(&source);
            }
        }
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_every_place_and_gives_back_what_it_had() {
        let caps = Caps::new(3, 2);
        let ip = |text: &str| text.parse().unwrap();
        let first = caps.enter(ip("192.0.2.1"), false).unwrap();
        let _second = caps.enter(ip("::ffff:192.0.2.1"), false).unwrap();
        assert!(caps.enter(ip("192.0.2.1"), false).is_none());
        let other = caps.enter(ip("192.0.2.2"), false).unwrap();
        assert!(caps.enter(ip("192.0.2.3"), false).is_none(), "the total is reached");
        drop((first, other));
        assert!(caps.enter(ip("192.0.2.1"), false).is_some());
        assert_eq!(lock(&caps.open).by_source.len(), 1);
    }

    #[test]
    fn a_slash_64_is_one_source_and_a_trusted_proxy_none() {
        let caps = Caps::new(10, 1);
        let ip = |text: &str| text.parse().unwrap();
        let _first = caps.enter(ip("2001:db8::1"), false).unwrap();
        assert!(caps.enter(ip("2001:db8::ffff:2"), false).is_none());
        assert!(caps.enter(ip("2001:db8:0:1::1"), false).is_some());
        let _proxied = [caps.enter(ip("10.0.0.1"), true).unwrap(), caps.enter(ip("10.0.0.1"), true).unwrap()];
    }
}

//! Connection limits: open connections in total and per client address.

use crate::permits::{Permit, Permits};
use domain::anomalies::subscriber_of;
use std::net::IpAddr;

/// Limits of open connections. An IPv6 /64 network counts as one address.
#[derive(Debug, Clone)]
pub(super) struct ConnectionLimits {
    permits: Permits<IpAddr>,
}

impl ConnectionLimits {
    pub(super) fn new(total: usize, per_address: usize) -> Self {
        Self { permits: Permits::new(total, per_address) }
    }

    /// Returns a permit for a connection, or `None` if a limit is reached. An `exempt` peer, such as a proxy for many clients,
    /// counts only toward the total.
    pub(super) fn acquire(&self, peer: IpAddr, exempt: bool) -> Option<Permit<IpAddr>> {
        self.permits.acquire((!exempt).then(|| subscriber_of(peer)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_use_all_connections_and_releases_its_permits() {
        let limits = ConnectionLimits::new(3, 2);
        let ip = |text: &str| text.parse().unwrap();
        let first = limits.acquire(ip("192.0.2.1"), false).unwrap();
        let _second = limits.acquire(ip("::ffff:192.0.2.1"), false).unwrap();
        assert!(limits.acquire(ip("192.0.2.1"), false).is_none());
        let other = limits.acquire(ip("192.0.2.2"), false).unwrap();
        assert!(limits.acquire(ip("192.0.2.3"), false).is_none(), "the total is reached");
        drop((first, other));
        assert!(limits.acquire(ip("192.0.2.1"), false).is_some());
        assert_eq!(limits.permits.key_count(), 1);
    }

    #[test]
    fn a_slash_64_network_counts_as_one_address_and_a_trusted_proxy_is_exempt() {
        let limits = ConnectionLimits::new(10, 1);
        let ip = |text: &str| text.parse().unwrap();
        let _first = limits.acquire(ip("2001:db8::1"), false).unwrap();
        assert!(limits.acquire(ip("2001:db8::ffff:2"), false).is_none());
        assert!(limits.acquire(ip("2001:db8:0:1::1"), false).is_some());
        let _proxied = [limits.acquire(ip("10.0.0.1"), true).unwrap(), limits.acquire(ip("10.0.0.1"), true).unwrap()];
    }
}

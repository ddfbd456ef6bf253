//! Host names of this server: the hosts that it serves and the origins of its own pages.

use super::Origin;
use crate::config::Config;
use std::net::SocketAddr;

/// Host names and origins of this server. Requests for other hosts are rejected to prevent DNS rebinding.
#[derive(Debug, Clone)]
pub struct Hosts {
    https: bool,
    public: Origin,
    /// Other hosts that are served, for example to health checks. Their origins are ours only without a `public_url`.
    others: Vec<Origin>,
    only_public_origin: bool,
    /// Port when the server listens on all addresses: then any IP address with this port is accepted. DNS rebinding needs a name, so
    /// IP addresses are safe.
    any_address_at: Option<u16>,
}

impl Hosts {
    /// Derives the hosts from the configuration and the bound address.
    pub fn new(config: &Config, bound: SocketAddr) -> Self {
        let https = config.secure();
        let mut others = Vec::new();
        // The loopback address of the other family may belong to another program.
        if bound.ip().to_canonical().is_loopback() {
            others.push(Origin::of_name(https, "localhost", bound.port()));
        }
        if !bound.ip().is_unspecified() {
            others.push(Origin::of_address(https, bound));
        }
        let any_address_at = bound.ip().is_unspecified().then_some(bound.port());
        let only_public_origin = config.public_url.is_some();
        Self { https, public: config.public_url(bound), others, only_public_origin, any_address_at }
    }

    /// Returns the origin for links.
    pub fn public(&self) -> &Origin {
        &self.public
    }

    /// Returns whether browsers connect over TLS.
    pub fn https(&self) -> bool {
        self.https
    }

    /// Returns whether a `Host` header or `:authority` names this server.
    pub fn is_our_host(&self, host: &str) -> bool {
        [self.https, !self.https].into_iter().filter_map(|https| Origin::of_host_header(https, host)).any(|requested| {
            let same = |ours: &Origin| (ours.host(), ours.port()) == (requested.host(), requested.port());
            self.origins().any(same) || self.is_any_address(&requested)
        })
    }

    /// Returns whether an `Origin` header is one of our own: the `public_url`, or without it any host that is served.
    pub fn is_our_origin(&self, origin: &str) -> bool {
        origin.parse().is_ok_and(|origin| {
            origin == self.public
                || (!self.only_public_origin
                    && (self.others.contains(&origin)
                        || (origin.is_https() == self.https && self.is_any_address(&origin))))
        })
    }

    fn origins(&self) -> impl Iterator<Item = &Origin> {
        std::iter::once(&self.public).chain(&self.others)
    }

    fn is_any_address(&self, origin: &Origin) -> bool {
        self.any_address_at == Some(origin.port()) && origin.address().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(listen: &str, public: Option<&str>) -> Hosts {
        let mut config = crate::config::load_from(None, std::iter::empty()).unwrap();
        config.listen = listen.parse().unwrap();
        config.public_url = public.map(|url| url.parse().unwrap());
        config.tls_terminated_by_proxy = public.is_some();
        let bound = config.listen;
        Hosts::new(&config, bound)
    }

    #[test]
    fn on_loopback_only_the_loopback_names_are_accepted() {
        let hosts = hosts("127.0.0.1:9876", None);
        for host in ["127.0.0.1:9876", "localhost:9876", "LOCALHOST:9876"] {
            assert!(hosts.is_our_host(host), "{host}");
        }
        for host in [
            "localhost",
            "localhost:80",
            "[::1]:9876",
            "rebound.example:9876",
            "localhost.:9876",
            "192.0.2.1:9876",
            "user@localhost:9876",
            "",
        ] {
            assert!(!hosts.is_our_host(host), "{host}");
        }
        assert!(hosts.is_our_origin("http://localhost:9876") && hosts.is_our_origin("http://127.0.0.1:9876"));
        for origin in [
            "http://[::1]:9876",
            "https://localhost:9876",
            "http://localhost:9877",
            "http://localhost:9876.evil.example",
            "null",
            "",
        ] {
            assert!(!hosts.is_our_origin(origin), "{origin}");
        }
    }

    #[test]
    fn trap_e16_with_a_public_url_only_its_origin_is_ours() {
        let mut config = crate::config::load_from(None, std::iter::empty()).unwrap();
        config.public_url = Some("http://localhost:9876".parse().unwrap());
        let hosts = Hosts::new(&config, config.listen);
        assert!(hosts.is_our_origin("http://localhost:9876"));
        assert!(!hosts.is_our_origin("http://127.0.0.1:9876") && !hosts.is_our_origin("http://[::1]:9876"));
        assert!(hosts.is_our_host("127.0.0.1:9876"), "health checks use the address");
    }

    #[test]
    fn behind_a_proxy_the_public_name_is_accepted() {
        let hosts = hosts("0.0.0.0:9876", Some("https://castellan.example.org"));
        for host in ["castellan.example.org", "castellan.example.org:443", "10.1.2.3:9876"] {
            assert!(hosts.is_our_host(host), "{host}");
        }
        for host in ["castellan.example.org:9876", "other.example.org", "10.1.2.3:80", "localhost:9876"] {
            assert!(!hosts.is_our_host(host), "{host}");
        }
        assert!(hosts.is_our_origin("https://castellan.example.org"));
        for origin in ["http://castellan.example.org", "https://10.1.2.3:9876", "https://localhost:9876"] {
            assert!(!hosts.is_our_origin(origin), "{origin}");
        }
    }
}

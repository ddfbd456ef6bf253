//! What this server is called: the hosts it answers for and the origins that are its own pages.

use std::net::SocketAddr;

use super::Origin;
use crate::config::Config;

/// The names of this server. A request under any other name is refused, so that a foreign name
/// which is made to point here (DNS rebinding) finds nothing.
#[derive(Debug, Clone)]
pub struct Names {
    https: bool,
    public: Origin,
    others: Vec<Origin>,
    /// Set when we listen on every address: then any address with this port is ours. An address in the
    /// address bar cannot be rebound, a name can.
    any_address_at: Option<u16>,
}

impl Names {
    /// The names that follow from the configuration and the address the door is really bound to.
    pub fn new(config: &Config, bound: SocketAddr) -> Self {
        let https = config.secure();
        let mut others = Vec::new();
        if bound.ip().to_canonical().is_loopback() {
            for host in ["localhost", "127.0.0.1", "[::1]"] {
                others.push(Origin::of_name(https, host, bound.port()));
            }
        }
        if !bound.ip().is_unspecified() {
            others.push(Origin::of_address(https, bound));
        }
        let any_address_at = bound.ip().is_unspecified().then_some(bound.port());
        Self { https, public: config.public_url(bound), others, any_address_at }
    }

    /// The origin that links are made with.
    pub fn public(&self) -> &Origin {
        &self.public
    }

    /// Whether browsers reach us over TLS.
    pub fn https(&self) -> bool {
        self.https
    }

    /// Whether a `Host` header or `:authority` names this server.
    pub fn is_our_host(&self, host: &str) -> bool {
        [self.https, !self.https].into_iter().filter_map(|https| Origin::of_host_header(https, host)).any(|asked| {
            let same = |ours: &Origin| (ours.host(), ours.port()) == (asked.host(), asked.port());
            self.origins().any(same) || self.is_any_address(&asked)
        })
    }

    /// Whether an `Origin` header names a page of ours.
    pub fn is_our_origin(&self, origin: &str) -> bool {
        origin.parse().is_ok_and(|origin| {
            self.origins().any(|ours| *ours == origin)
                || (origin.is_https() == self.https && self.is_any_address(&origin))
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

    fn names(listen: &str, public: Option<&str>) -> Names {
        let mut config = crate::config::load_from(None, std::iter::empty()).unwrap();
        config.listen = listen.parse().unwrap();
        config.public_url = public.map(|url| url.parse().unwrap());
        config.tls_terminated_by_proxy = public.is_some();
        let bound = config.listen;
        Names::new(&config, bound)
    }

    #[test]
    fn on_this_machine_the_loopback_names_are_ours_and_no_other() {
        let names = names("127.0.0.1:9876", None);
        for host in ["127.0.0.1:9876", "localhost:9876", "LOCALHOST:9876", "[::1]:9876"] {
            assert!(names.is_our_host(host), "{host}");
        }
        for host in [
            "localhost",
            "localhost:80",
            "rebound.example:9876",
            "localhost.:9876",
            "192.0.2.1:9876",
            "user@localhost:9876",
            "",
        ] {
            assert!(!names.is_our_host(host), "{host}");
        }
        assert!(names.is_our_origin("http://localhost:9876"));
        for origin in
            ["https://localhost:9876", "http://localhost:9877", "http://localhost:9876.evil.example", "null", ""]
        {
            assert!(!names.is_our_origin(origin), "{origin}");
        }
    }

    #[test]
    fn behind_a_proxy_the_public_name_is_ours() {
        let names = names("0.0.0.0:9876", Some("https://castellan.example.org"));
        for host in ["castellan.example.org", "castellan.example.org:443", "10.1.2.3:9876"] {
            assert!(names.is_our_host(host), "{host}");
        }
        for host in ["castellan.example.org:9876", "other.example.org", "10.1.2.3:80", "localhost:9876"] {
            assert!(!names.is_our_host(host), "{host}");
        }
        assert!(names.is_our_origin("https://castellan.example.org"));
        assert!(!names.is_our_origin("http://castellan.example.org"));
    }
}

//! Address checks of outgoing connections: which addresses are never reached, and which ones belong to internal networks.
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

/// Addresses that a client may connect to. The public internet is always allowed; link-local addresses and metadata services never are.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// The loopback interface of this machine, also without TLS.
    pub loopback: bool,
    /// Other addresses of this machine.
    pub own: bool,
    /// Private networks.
    pub private: bool,
    /// Networks that are allowed regardless of the other fields, also without TLS if a URL names the address itself.
    pub networks: Vec<IpNet>,
}

impl Policy {
    /// Returns whether a connection to the address is allowed.
    pub(crate) fn allows(&self, address: IpAddr) -> bool {
        let address = embedded(address);
        if is_forbidden(address) {
            return false;
        }
        if self.lists(address) {
            return true;
        }
        match address.is_loopback() {
            true => self.loopback,
            false => (self.own || !is_own(address)) && (self.private || !is_internal(address)),
        }
    }

    /// Returns whether the address may be reached without TLS.
    pub(crate) fn allows_plain(&self, address: IpAddr) -> bool {
        let address = embedded(address);
        self.lists(address) || (self.loopback && address.is_loopback())
    }

    fn lists(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }
}

/// Metadata services of clouds that are not at a link-local address.
const METADATA: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Returns the address that a connection reaches: NAT64 (RFC 6052) and 6to4 (RFC 3056) embed an IPv4 address.
fn embedded(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => match v6.segments() {
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                IpAddr::V4(Ipv4Addr::new(a, b, c, d))
            }
            _ => IpAddr::V6(v6),
        },
        v4 => v4,
    }
}

/// Returns whether an address is never allowed: unspecified, link-local, broadcast, multicast, or a metadata service.
fn is_forbidden(address: IpAddr) -> bool {
    let local = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast() || v4.octets()[0] == 0,
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    local || address.is_unspecified() || address.is_multicast() || METADATA.contains(&address)
}

/// Returns whether this machine has the address: then a socket can be bound to it. No packet is sent.
fn is_own(address: IpAddr) -> bool {
    // With `net.ipv4.ip_nonlocal_bind`, sockets can be bound to any address. Then the kernel's choice of the source decides, which
    // knows the first address of an interface only.
    let (any, foreign) = match address {
        IpAddr::V4(_) => (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1))),
        IpAddr::V6(_) => {
            (IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)))
        }
    };
    let binds = |address: IpAddr| UdpSocket::bind((address, 0)).is_ok();
    let is_source = || {
        let source = UdpSocket::bind((any, 0)).and_then(|socket| {
            socket.connect((address, 9))?;
            socket.local_addr()
        });
        source.is_ok_and(|source| source.ip() == address)
    };
    binds(address) && (!binds(foreign) || is_source())
}

/// Returns whether an address is not on the public internet.
pub(crate) fn is_internal(address: IpAddr) -> bool {
    match embedded(address) {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            // Shared address space (RFC 6598), benchmarking (RFC 2544), and reserved addresses (RFC 1112).
            let shared = (a == 100 && (64..128).contains(&b)) || (a == 198 && (b == 18 || b == 19)) || a >= 240;
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_documentation() || shared || a == 0
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_loopback() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What identity providers of a tenant may use, and what webhooks may.
    fn policies() -> [Policy; 2] {
        [Policy { private: true, ..Policy::default() }, Policy::default()]
    }

    #[test]
    fn a_02_link_local_metadata_and_loopback_addresses_are_forbidden() {
        let all = Policy {
            loopback: true,
            own: true,
            private: true,
            networks: vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()],
        };
        for bad in [
            "169.254.169.254",
            "169.254.0.1",
            "fe80::1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
        ] {
            let bad: IpAddr = bad.parse().unwrap();
            assert!(!all.allows(bad) && policies().iter().all(|policy| !policy.allows(bad)), "{bad}");
        }
        for loopback in ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"] {
            let loopback = loopback.parse().unwrap();
            assert!(policies().iter().all(|policy| !policy.allows(loopback)), "{loopback}");
            assert!(Policy { loopback: true, ..Policy::default() }.allows(loopback), "{loopback}");
        }
    }

    #[test]
    fn d_10_private_networks_are_allowed_to_providers_and_to_webhooks_if_they_are_listed() {
        let [providers, webhooks] = policies();
        let listed = Policy {
            networks: vec!["10.1.0.0/16".parse().unwrap(), "fd12::/16".parse().unwrap()],
            ..Policy::default()
        };
        for private in ["10.1.2.3", "fd12::1", "::ffff:10.1.2.3", "64:ff9b::a01:203"] {
            let private = private.parse().unwrap();
            assert!(providers.allows(private) && !webhooks.allows(private) && listed.allows(private), "{private}");
            assert!(listed.allows_plain(private) && !providers.allows_plain(private), "{private}");
        }
        for other in ["10.2.0.1", "192.168.1.1", "100.64.0.1", "::ffff:192.168.1.1", "240.0.0.1"] {
            assert!(!webhooks.allows(other.parse().unwrap()) && !listed.allows(other.parse().unwrap()), "{other}");
        }
        for public in ["8.8.8.8", "2606:4700::1111"] {
            let public = public.parse().unwrap();
            assert!(webhooks.allows(public) && !listed.allows_plain(public), "{public}");
        }
    }

    #[test]
    fn a_02_the_machines_own_addresses_are_known_without_a_list() {
        for own in ["127.0.0.1", "127.8.9.10"] {
            assert!(is_own(own.parse().unwrap()), "{own}");
        }
        for other in ["203.0.113.7", "10.255.255.1", "2001:db8::1"] {
            assert!(!is_own(other.parse().unwrap()), "{other}");
        }
    }

    #[test]
    fn a_02_internal_addresses_are_those_that_the_internet_does_not_have() {
        for internal in
            ["10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd12::1", "::ffff:10.0.0.1", "64:ff9b::a00:1"]
        {
            assert!(is_internal(internal.parse().unwrap()), "{internal}");
        }
        for public in ["8.8.8.8", "100.128.0.1", "2606:4700::1111"] {
            assert!(!is_internal(public.parse().unwrap()), "{public}");
        }
    }
}

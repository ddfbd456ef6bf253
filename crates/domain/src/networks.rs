//! Allow lists of IP networks, checked against the address of the peer.
use crate::Invalid;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::{fmt, net::IpAddr, str::FromStr};

const MAX_NETWORKS: usize = 50;

/// A list of networks in CIDR notation. An empty list allows every address.
///
/// ```
/// use domain::Networks;
/// let networks: Networks = "192.0.2.0/24, 2001:db8::/48".parse().unwrap();
/// assert!(networks.admit(Some("192.0.2.7".parse().unwrap())));
/// assert!(!networks.admit(Some("198.51.100.7".parse().unwrap())));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Returns whether every address is allowed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether one of the networks contains `address`. IPv4-mapped IPv6 addresses count as IPv4.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Returns whether a peer at `address` is allowed: always if the list is empty, otherwise never without an
    /// address.
    pub fn admit(&self, address: Option<IpAddr>) -> bool {
        self.is_empty() || address.is_some_and(|address| self.contain(address))
    }
}

impl FromStr for Networks {
    type Err = Invalid;

    /// Parses addresses and networks that are separated by commas, spaces or lines.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = |reason: String| Invalid::new("networks", reason);
        let mut networks = Vec::new();
        for item in text.split([',', ' ', '\n', '\r', '\t']).filter(|item| !item.is_empty()) {
            let network = item.parse::<IpNet>().or_else(|_| item.parse::<IpAddr>().map(IpNet::from));
            let shown: String = item.chars().take(60).collect();
            let network = network.map_err(|_| {
                invalid(format!("{shown} is not an address or network; write 192.0.2.7 or 192.0.2.0/24"))
            })?;
            let network = canonical(network).trunc();
            if !networks.contains(&network) {
                networks.push(network);
            }
        }
        if networks.len() > MAX_NETWORKS {
            return Err(invalid(format!("must be at most {MAX_NETWORKS}")));
        }
        Ok(Self(networks))
    }
}

/// Converts an IPv4-mapped IPv6 network to IPv4.
fn canonical(network: IpNet) -> IpNet {
    match (network, network.addr().to_canonical()) {
        (IpNet::V6(v6), IpAddr::V4(v4)) if v6.prefix_len() >= 96 => {
            ipnet::Ipv4Net::new(v4, v6.prefix_len() - 96).map_or(network, IpNet::V4)
        }
        _ => network,
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, network) in self.0.iter().enumerate() {
            write!(f, "{}{network}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl TryFrom<String> for Networks {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Networks> for String {
    fn from(networks: Networks) -> Self {
        networks.to_string()
    }
}

impl From<Vec<IpNet>> for Networks {
    fn from(networks: Vec<IpNet>) -> Self {
        Self(networks.into_iter().map(canonical).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m_01_networks_match_addresses_in_any_notation() {
        let networks: Networks = "192.0.2.7/24\n::ffff:198.51.100.0/120, 2001:db8::/48 10.0.0.1".parse().unwrap();
        assert_eq!(networks.to_string(), "192.0.2.0/24, 198.51.100.0/24, 2001:db8::/48, 10.0.0.1/32");
        for inside in ["192.0.2.1", "::ffff:192.0.2.1", "198.51.100.9", "2001:db8:0:9::1", "10.0.0.1"] {
            assert!(networks.admit(Some(inside.parse().unwrap())), "{inside}");
        }
        for outside in ["192.0.3.1", "2001:db9::1", "10.0.0.2", "::1"] {
            assert!(!networks.admit(Some(outside.parse().unwrap())), "{outside}");
        }
        assert!(!networks.admit(None), "an unknown address is refused");
        assert_eq!(networks.to_string().parse(), Ok(networks));
    }

    #[test]
    fn m_01_an_empty_list_allows_every_address_and_invalid_networks_are_refused() {
        assert!("".parse::<Networks>().unwrap().admit(None));
        for bad in ["example.org", "192.0.2.0/33", "10.0.0.0/-1", "10.0.0.1;", "*", "0"] {
            assert_eq!(bad.parse::<Networks>().unwrap_err().field, "networks", "{bad}");
        }
        let many: Vec<_> = (0..60).map(|n| format!("10.0.{n}.0/24")).collect();
        assert!(many.join(",").parse::<Networks>().is_err());
    }
}

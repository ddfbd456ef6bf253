//! Where from something may be used: addresses and networks, held against the true peer.
use crate::Invalid;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::{fmt, net::IpAddr, str::FromStr};

/// At most so many.
const MOST: usize = 50;

/// A list of networks in CIDR form, such as `192.0.2.0/24, 2001:db8::/48`. None at all means no limit, for who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Whether there is no limit.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `address` is in one of them. An IPv4 address is the same however it is written.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether somebody at `address` is let in: always where there is no limit, never without an address where there is.
    pub fn admit(&self, address: Option<IpAddr>) -> bool {
        self.is_empty() || address.is_some_and(|address| self.contain(address))
    }
}

impl FromStr for Networks {
    type Err = Invalid;

    /// Reads addresses and networks with commas, spaces or lines between them.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = |why: String| Invalid::new("networks", why);
        let mut found = Vec::new();
        for word in text.split([',', ' ', '\n', '\r', '\t']).filter(|word| !word.is_empty()) {
            let network = word.parse::<IpNet>().or_else(|_| word.parse::<IpAddr>().map(IpNet::from));
            let shown: String = word.chars().take(60).collect();
            let network = network
                .map_err(|_| wrong(format!("{shown} is no address or network; write 192.0.2.7 or 192.0.2.0/24")))?;
            let network = canonical(network).trunc();
            if !found.contains(&network) {
                found.push(network);
            }
        }
        if found.len() > MOST {
            return Err(wrong(format!("must be at most {MOST}")));
        }
        Ok(Self(found))
    }
}

/// An IPv4 network that is written as one of IPv6 is one of IPv4.
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
        for (at, network) in self.0.iter().enumerate() {
            write!(f, "{}{network}", if at == 0 { "" } else { ", " })?;
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
    fn m_01_an_address_is_in_a_network_however_either_is_written() {
        let networks: Networks = "192.0.2.7/24\n::ffff:198.51.100.0/120, 2001:db8::/48 10.0.0.1".parse().unwrap();
        assert_eq!(networks.to_string(), "192.0.2.0/24, 198.51.100.0/24, 2001:db8::/48, 10.0.0.1/32");
        for inside in ["192.0.2.1", "::ffff:192.0.2.1", "198.51.100.9", "2001:db8:0:9::1", "10.0.0.1"] {
            assert!(networks.admit(Some(inside.parse().unwrap())), "{inside}");
        }
        for outside in ["192.0.3.1", "2001:db9::1", "10.0.0.2", "::1"] {
            assert!(!networks.admit(Some(outside.parse().unwrap())), "{outside}");
        }
        assert!(!networks.admit(None), "where nobody knows the address, nobody is let in");
        assert_eq!(networks.to_string().parse(), Ok(networks));
    }

    #[test]
    fn m_01_no_networks_are_no_limit_and_nonsense_is_refused() {
        assert!("".parse::<Networks>().unwrap().admit(None));
        for bad in ["example.org", "192.0.2.0/33", "10.0.0.0/-1", "10.0.0.1;", "*", "0"] {
            assert_eq!(bad.parse::<Networks>().unwrap_err().field, "networks", "{bad}");
        }
        let many: Vec<_> = (0..60).map(|n| format!("10.0.{n}.0/24")).collect();
        assert!(many.join(",").parse::<Networks>().is_err());
    }
}

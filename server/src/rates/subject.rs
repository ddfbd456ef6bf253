//! Subjects of rate limits: a person, an API key or a client network.
use domain::{
    KeyId, PersonId,
    anomalies::{site_of, subscriber_of},
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Subject whose requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// Person, over all sessions.
    Person(PersonId),
    Key(KeyId),
    /// IPv4 address or IPv6 /64 network.
    Address(IpAddr),
    /// IPv6 /48 network, of which one customer can use all addresses.
    Site(IpAddr),
}

impl Subject {
    /// Returns the subject of a client address.
    pub fn of(address: IpAddr) -> Self {
        Self::Address(subscriber_of(address))
    }

    /// Returns the /48 network of an IPv6 address.
    pub(super) fn site_of(address: IpAddr) -> Option<Self> {
        site_of(address).map(Self::Site)
    }

    /// Returns the surrounding network (IPv4 /16, IPv6 /32), which is counted when there are too many single addresses.
    pub(super) fn coarse(self) -> Self {
        match self {
            Self::Address(IpAddr::V4(v4)) => Self::Address(Ipv4Addr::from(v4.to_bits() & 0xFFFF_0000).into()),
            Self::Address(IpAddr::V6(v6)) | Self::Site(IpAddr::V6(v6)) => {
                Self::Address(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 96)).into())
            }
            known => known,
        }
    }
}

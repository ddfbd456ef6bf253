//! Web origins (RFC 6454): scheme, host and port, as browsers compare them.

use http::uri::Authority;
use std::{fmt, net::SocketAddr, str::FromStr};

/// Scheme, host and port of a URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    https: bool,
    /// Lowercase; an IPv6 address is in brackets.
    host: String,
    port: u16,
}

/// Error: the text is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an origin: http:// or https://, a host, an optional port and no path")]
pub struct InvalidOrigin;

impl Origin {
    /// Returns the origin of a socket address.
    pub fn of_address(https: bool, address: SocketAddr) -> Self {
        let host = match address {
            SocketAddr::V4(v4) => v4.ip().to_string(),
            SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
        };
        Self { https, host, port: address.port() }
    }

    pub(super) fn of_name(https: bool, host: &str, port: u16) -> Self {
        Self { https, host: host.to_ascii_lowercase(), port }
    }

    /// Parses a `Host` header or `:authority`; the default port depends on the scheme.
    pub(super) fn of_host_header(https: bool, text: &str) -> Option<Self> {
        let authority: Authority = text.parse().ok()?;
        let host = authority.host();
        let port = match text.get(host.len()..)? {
            "" => default_port(https),
            rest => rest.strip_prefix(':')?.parse().ok()?,
        };
        (!host.is_empty()).then(|| Self::of_name(https, host, port))
    }

    /// Returns the host: a name or an IP address (IPv6 in brackets).
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port; by default that of the scheme.
    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Returns whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.address().is_some_and(|address| address.to_canonical().is_loopback())
    }

    /// Returns the host as an IP address, if it is one.
    pub fn address(&self) -> Option<std::net::IpAddr> {
        self.host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    /// Returns an absolute link to `path`, which starts with a slash.
    pub fn link(&self, path: &str) -> String {
        format!("{self}{path}")
    }
}

fn default_port(https: bool) -> u16 {
    if https { 443 } else { 80 }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let (https, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            _ => return Err(InvalidOrigin),
        };
        let host = rest.strip_suffix('/').unwrap_or(rest);
        Self::of_host_header(https, host).ok_or(InvalidOrigin)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(out, "{scheme}://{}", self.host)?;
        if self.port != default_port(self.https) {
            write!(out, ":{}", self.port)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equivalent_spellings_are_equal() {
        let plain: Origin = "https://castellan.example.org".parse().unwrap();
        for same in
            ["HTTPS://Castellan.Example.org", "https://castellan.example.org:443", "https://castellan.example.org/"]
        {
            assert_eq!(same.parse(), Ok(plain.clone()), "{same}");
        }
        assert_eq!(plain.to_string(), "https://castellan.example.org");
        let local: Origin = "http://[::1]:9876".parse().unwrap();
        assert_eq!((local.to_string().as_str(), local.is_loopback()), ("http://[::1]:9876", true));
    }

    #[test]
    fn invalid_origins_are_rejected() {
        for text in [
            "",
            "null",
            "castellan.example.org",
            "https://",
            "https://:443",
            "https://a/b",
            "https://a?b",
            "https://a#b",
            "https://user@a",
            "https://user:p@a",
            "https://a:b",
            "https://a:99999",
            "https://a:",
            "https://a b",
            "ftp://a",
            "https://a//",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(InvalidOrigin), "{text}");
        }
    }
}

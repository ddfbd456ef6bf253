//! Limits of a listener: connections, timeouts and body size.

use crate::config::Config;
use ipnet::IpNet;
use std::time::Duration;

/// Limits of one listener. A timeout of `None` is unlimited.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Maximum number of open connections.
    pub connections: usize,
    /// Maximum number of open connections per address (per /64 network for IPv6; a /48 network has four times as many).
    pub connections_per_address: usize,
    /// Proxies whose X-Forwarded-For is accepted and whose connections are not counted per address.
    pub trusted_proxies: Vec<IpNet>,
    /// Timeout of the TLS handshake.
    pub handshake: Duration,
    /// HTTP/1: timeout from the connection or the last response to the end of the next request header. HTTP/2: timeout from
    /// the connection to the first request.
    pub header: Duration,
    /// Timeout of a connection without requests (HTTP/2; for HTTP/1, `header` is shorter).
    pub keep_alive: Duration,
    /// Timeout between two chunks of a request body.
    pub body_idle: Option<Duration>,
    /// Minimum rate of a request body, which stops slow-drip uploads.
    pub body_rate: Option<MinRate>,
    /// Timeout of a complete request body.
    pub body_total: Option<Duration>,
    /// Maximum size of a request body, in bytes.
    pub body_bytes: Option<u64>,
    /// Timeout for a client to read written bytes.
    pub write_stall: Duration,
    /// Time that active responses have to finish at shutdown.
    pub shutdown: Duration,
}

/// Minimum average rate, after a grace period.
#[derive(Debug, Clone, Copy)]
pub struct MinRate {
    pub grace: Duration,
    /// Time that each byte adds to the grace period.
    pub per_byte: Duration,
}

impl Limits {
    /// Limits for browsers and API clients.
    pub fn pages(config: &Config) -> Self {
        Self {
            connections: config.limits.connections.get(),
            connections_per_address: config.limits.connections_per_address.get(),
            trusted_proxies: config.trusted_proxies.clone(),
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            body_idle: Some(Duration::from_secs(30)),
            // 500 bytes per second, as Apache's mod_reqtimeout requires.
            body_rate: Some(MinRate { grace: Duration::from_secs(10), per_byte: Duration::from_millis(2) }),
            body_total: Some(Duration::from_mins(5)),
            body_bytes: u64::try_from(config.limits.request_body_bytes.get()).ok(),
            write_stall: Duration::from_secs(30),
            shutdown: Duration::from_secs(10),
        }
    }

    /// Limits for runners: their streams stay open for days and may be silent; HTTP/2 pings detect dead connections.
    pub fn runners(config: &Config) -> Self {
        Self {
            trusted_proxies: Vec::new(),
            body_idle: None,
            body_rate: None,
            body_total: None,
            body_bytes: None,
            ..Self::pages(config)
        }
    }
}

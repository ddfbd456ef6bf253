//! How long the door waits and how much it takes.

use std::time::Duration;

use ipnet::IpNet;

use crate::config::Config;

/// The limits of one listener. A time that is `None` does not run out.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections in all.
    pub connections: usize,
    /// Open connections of one address (one /64 network with IPv6).
    pub connections_per_address: usize,
    /// Proxies, whose X-Forwarded-For is believed and whose connections are not counted by address.
    pub trusted_proxies: Vec<IpNet>,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// From the connection, or the end of the last answer, to the end of the next request's header (HTTP/1);
    /// from the connection to the first request (HTTP/2).
    pub header: Duration,
    /// Without any request on an open connection (HTTP/2; with HTTP/1 `header` comes first).
    pub keep_alive: Duration,
    /// Between two pieces of a request's body.
    pub body_idle: Option<Duration>,
    /// For a request's whole body, so that one byte every few seconds does not go on for ever.
    pub body_total: Option<Duration>,
    /// Bytes of a request's body.
    pub body_bytes: Option<u64>,
    /// For a client to take what was sent to it.
    pub write_stall: Duration,
    /// From the wish to stop to the cut: how long answers that are on their way may take.
    pub shutdown: Duration,
}

impl Limits {
    /// For browsers and API programs.
    pub fn pages(config: &Config) -> Self {
        Self {
            connections: config.limits.connections.get(),
            connections_per_address: config.limits.connections_per_address.get(),
            trusted_proxies: config.trusted_proxies.clone(),
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            body_idle: Some(Duration::from_secs(30)),
            body_total: Some(Duration::from_mins(5)),
            body_bytes: u64::try_from(config.limits.request_body_bytes.get()).ok(),
            write_stall: Duration::from_secs(30),
            shutdown: Duration::from_secs(10),
        }
    }

    /// For runners: their streams stay open for days and may be silent; HTTP/2 pings find the dead ones.
    pub fn runners(config: &Config) -> Self {
        Self { trusted_proxies: Vec::new(), body_idle: None, body_total: None, body_bytes: None, ..Self::pages(config) }
    }
}

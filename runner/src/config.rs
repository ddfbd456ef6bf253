//! Configuration of a runner: command-line options and environment variables.

use clap::{Parser, Subcommand};
use domain::{Invalid, text::runner_name};
use reqwest::Url;
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

/// Runs Castellan's tasks on this machine.
#[derive(Debug, Parser)]
#[command(name = "castellan-runner", version)]
pub struct Config {
    #[command(subcommand)]
    pub command: Option<Command>,
    /// URL of the server to enroll with, e.g. `https://castellan.example.org`; plain http only on loopback.
    #[arg(long, env = "CASTELLAN_SERVER")]
    pub server: Option<ServerUrl>,
    /// Connect to this IP:port for enrollment instead of resolving the server's name.
    #[arg(long)]
    pub server_address: Option<SocketAddr>,
    /// PEM file with additional authorities for the server's HTTPS certificate.
    #[arg(long, env = "CASTELLAN_SERVER_CA")]
    pub server_ca: Option<PathBuf>,
    /// host:port for runner connections; defaults to the endpoint from enrollment.
    #[arg(long, env = "CASTELLAN_RUNNER_ENDPOINT")]
    pub runner_endpoint: Option<Endpoint>,
    /// Name of the runner: 1 to 63 of a-z, 0-9 and hyphen. Fixed at enrollment.
    #[arg(long, env = "CASTELLAN_RUNNER_NAME", default_value = "runner")]
    pub name: RunnerName,
    /// Folder for keys, identity and unsent output; must be accessible to this user only.
    #[arg(long, env = "CASTELLAN_RUNNER_DATA_DIR", global = true, default_value = "./runner-data")]
    pub data_dir: PathBuf,
    /// File with the one-time enrollment token.
    #[arg(long, env = "CASTELLAN_ENROLLMENT_TOKEN_FILE", conflicts_with = "token_stdin")]
    pub enrollment_token_file: Option<PathBuf>,
    /// Read the enrollment token from the first line of standard input.
    #[arg(long)]
    pub token_stdin: bool,
    /// Enroll again with a new token, although the data folder has an identity, which may be unusable. Receipts that were not
    /// delivered, and what the runner remembers of the audit log, are kept.
    #[arg(long)]
    pub reenroll: bool,
    /// Maximum number of concurrent tasks; defaults to two per core.
    #[arg(long, env = "CASTELLAN_RUNNER_SLOTS", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub slots: Option<u32>,
    /// Run nothing without an approval that a pinned passkey confirms, whatever the server's rules say.
    #[arg(long, env = "CASTELLAN_RUNNER_REQUIRE_PASSKEY_APPROVAL")]
    pub require_passkey_approval: bool,
    /// Kill every task and exit when standard input ends, for a runner that the server started.
    #[arg(long)]
    pub exit_with_stdin: bool,
    /// Report whether tasks can run on this machine and how they are limited, then exit.
    #[arg(long)]
    pub check: bool,
    /// Path of bubblewrap; defaults to the one in PATH.
    #[arg(long, env = "CASTELLAN_BUBBLEWRAP")]
    pub bubblewrap: Option<PathBuf>,
    /// Unprivileged account whose range of user IDs tasks get when the runner is root; defaults to castellan.
    #[arg(long, env = "CASTELLAN_SANDBOX_USER")]
    pub sandbox_user: Option<String>,
    /// Log level of standard error: error, warn, info, debug or trace.
    #[arg(long, env = "CASTELLAN_RUNNER_LOG", default_value = "info")]
    pub log: String,
}

/// A command besides running tasks.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Manage the passkeys of approvers that this runner trusts.
    #[command(subcommand)]
    Passkeys(PasskeyCommand),
}

#[derive(Debug, Subcommand)]
pub enum PasskeyCommand {
    /// Trust the passkey in a file, which contains the text on its owner's account page, and print its fingerprint.
    Add {
        /// The file, or - for standard input.
        file: PathBuf,
    },
    /// List the trusted passkeys with their fingerprints.
    List,
    /// No longer trust the passkey with this fingerprint.
    Remove { fingerprint: String },
}

impl Config {
    /// Returns the maximum number of concurrent tasks.
    pub fn slots(&self) -> u32 {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        self.slots.unwrap_or_else(|| u32::try_from(cores * 2).unwrap_or(2))
    }
}

/// The server's URL for enrollment. It carries the token and the authority's certificate, so it must be HTTPS except
/// on loopback.
#[derive(Clone, Debug)]
pub struct ServerUrl(Url);

impl ServerUrl {
    /// Returns the URL of a path on the server.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0.as_str().trim_end_matches('/'))
    }

    /// Returns the host name or address.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    pub fn is_loopback(&self) -> bool {
        self.0.host_str().is_some_and(is_loopback)
    }
}

impl FromStr for ServerUrl {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = |why: &str| Invalid::new("server", why);
        let url = Url::parse(text).map_err(|_| wrong("must be an address such as https://castellan.example.org"))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("must be scheme, host and port only"));
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if url.host_str().is_some_and(is_loopback) => Ok(Self(url)),
            _ => Err(wrong("must be https; http is for this machine (127.0.0.1, ::1, localhost) only")),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The host and port of the server's runner endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A name or an address; an IPv6 address without brackets.
    pub host: String,
    pub port: u16,
}

impl FromStr for Endpoint {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("runner_endpoint", "must be host:port");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b':');
        if host.is_empty() || !host.bytes().all(plain) {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port: port.parse().map_err(|_| wrong())? })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// The name of a runner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerName(String);

impl RunnerName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunnerName {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        runner_name(text).map(|()| Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_sent_encrypted_or_only_to_this_machine() {
        for good in ["https://castellan.example.org", "http://127.0.0.1:9876", "http://[::1]:1", "http://localhost:2/"]
        {
            good.parse::<ServerUrl>().unwrap();
        }
        for bad in
            ["http://castellan.example.org", "http://127.0.0.1.example.org", "ftp://localhost", "https://a:b@c", "x"]
        {
            bad.parse::<ServerUrl>().unwrap_err();
        }
    }

    #[test]
    fn an_endpoint_reads_back_as_it_is_written() {
        for text in ["127.0.0.1:9090", "[::1]:9090", "runners.example.org:443"] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
        for bad in ["", "host", ":1", "host:99999", "a b:1", "a/b:1"] {
            bad.parse::<Endpoint>().unwrap_err();
        }
    }
}

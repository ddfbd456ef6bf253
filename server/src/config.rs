//! What an operator can set: one table is the struct, its manual, and the file `castellan default-config` prints.

#[macro_use]
mod manual;
mod providers;
mod setting;
mod source;
#[cfg(test)]
mod tests;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use domain::Email;
use ipnet::IpNet;

pub use providers::{ConfiguredProvider, ProviderTables};
pub use setting::{DatabaseUrl, LogFilter, LogFormat, ProviderKey, Token, Whole};
pub(crate) use source::{ENCRYPTION_KEY, ENCRYPTION_KEY_FD};

use crate::door::Origin;

settings! {
    /// Everything that can be set. `castellan.toml` says it, variables of the environment override it.
    Config {
        /// Where browsers and API programs connect. Beyond this machine only with TLS.
        listen: SocketAddr = default "127.0.0.1:9876";
        /// Where runners connect; always TLS 1.3 with client certificates.
        runner_listen: SocketAddr = default "127.0.0.1:9090";
        /// Folder for the database, the generated keys (in secrets/) and files.
        data_dir: PathBuf = default "./data";
        /// The database: sqlite:PATH, or postgres://USER:PASSWORD@HOST/DATABASE.
        /// Without it: the SQLite file castellan.db in data_dir.
        database_url: Option<DatabaseUrl> = example "postgres://castellan@localhost/castellan";
        /// What a browser's address bar shows, for links and to tell our own pages from foreign ones.
        /// Without it: the listen address.
        public_url: Option<Origin> = example "https://castellan.example.org";
        /// True when a proxy in front of Castellan speaks TLS to the browsers.
        tls_terminated_by_proxy: bool = default false;
        /// Addresses or networks of proxies whose X-Forwarded-For is believed. Nobody else's is.
        trusted_proxies: Vec<IpNet> = default [];
    }
    /// TLS for pages and API, from files in PEM form.
    [tls] Tls {
        /// The certificate, followed by the intermediate ones.
        certificate: Option<PathBuf> = example "/etc/castellan/tls/fullchain.pem";
        /// Its private key.
        key: Option<PathBuf> = example "/etc/castellan/tls/privkey.pem";
    }
    /// The runner that `castellan serve` starts by itself on this machine.
    [local_runner] LocalRunner {
        /// False leaves it out.
        enabled: bool = default true;
    }
    /// How long somebody stays signed in. Times are a whole number and s, m, h or d.
    [sessions] Sessions {
        /// After so long without a request.
        idle: Duration = default "12h";
        /// At the latest, however busy.
        absolute: Duration = default "7d";
    }
    /// Who may say who somebody is, beside passwords; docs/providers.md tells it all. Admins set up providers in
    /// Settings, Authentication, too.
    [auth] Auth {
        /// The id of the one provider that leads in. All other ways are closed then, passwords among them;
        /// `castellan admin break-glass` opens them for an admin in an emergency.
        primary_provider: Option<ProviderKey> = example "google";
        /// Addresses of people who become admins when a provider that verified the address signs them in.
        admin_emails: Vec<Email> = default [];
        /// Identity providers; more easily written as one [[auth.provider]] table each, at the end of the file.
        provider: Option<ProviderTables> = example
            [{ id = "google", kind = "google", client_id = "CLIENT-ID", client_secret = "CLIENT-SECRET" }];
    }
    /// What one client, and all of them together, may take.
    [limits] Limits {
        /// Open connections in all.
        connections: Whole<16, 1_000_000> = default 2048;
        /// Open connections of one address (of one /64 network with IPv6); trusted proxies are exempt.
        connections_per_address: Whole<4, 1_000_000> = default 256;
        /// Bytes of one request's body.
        request_body_bytes: Whole<65_536, 67_108_864> = default 1048576;
    }
    /// Figures for Prometheus at /metrics.
    [metrics] Metrics {
        /// The bearer token that /metrics asks for, 16 characters or more. Without it only this machine
        /// itself is answered, and nobody at all where others can reach us.
        token: Option<Token> = example "a-long-random-text-of-your-own";
    }
    /// What is written to standard error.
    [log] Log {
        /// error, warn, info, debug or trace; or levels by target: info,server=debug.
        level: LogFilter = default "info";
        /// "text" for people, "json" for machines.
        format: LogFormat = default "text";
    }
}

/// Why the configuration is refused; every message names the setting.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is missing, unreadable or no TOML.
    #[error("{} cannot be read: {reason}", file.display())]
    Unreadable {
        /// The file that was asked for.
        file: PathBuf,
        /// What the system or the parser says.
        reason: String,
    },
    /// A key that does not exist, most likely a typing mistake.
    #[error("`{key}` in {place} is no setting; `castellan default-config` prints all there are")]
    Unknown {
        /// The key as it was written.
        key: String,
        /// The file, or the environment.
        place: String,
    },
    /// A value that is not allowed.
    #[error("`{key}` is {given} in {place}; allowed is {allowed}")]
    Wrong {
        /// The setting.
        key: String,
        /// The file or variable.
        place: String,
        /// What was given; never for a secret.
        given: String,
        /// What would be allowed.
        allowed: String,
    },
    /// A setting without a default that nobody gave.
    #[error("`{key}` is not set; allowed is {allowed}")]
    Missing {
        /// The setting.
        key: String,
        /// What would be allowed.
        allowed: String,
    },
    /// Settings that are each allowed, but not together.
    #[error("{0}")]
    Contradiction(String),
}

/// The whole configuration file with comments, as `castellan default-config` prints it.
pub fn default_config() -> String {
    manual::print(MANUAL)
}

/// Loads the configuration of this process.
///
/// # Errors
/// When `file` (or, without one, an existing `castellan.toml` here) or a variable says something that is not allowed.
pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
    let here = Path::new("castellan.toml");
    let file = file.or_else(|| here.exists().then_some(here));
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
    load_from(file, variables)
}

/// Loads a configuration from a file, if any, and the given variables.
///
/// # Errors
/// As [`load`].
pub fn load_from(
    file: Option<&Path>,
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let config = Config::read(&source::Source::open(file, variables)?)?;
    config.check()?;
    Ok(config)
}

impl Config {
    /// Whether browsers reach us over TLS, ours or a declared proxy's: cookies are `Secure` and HSTS is sent.
    pub fn secure(&self) -> bool {
        self.tls.certificate.is_some() || self.tls_terminated_by_proxy
    }

    /// The database to open.
    pub fn database(&self) -> DatabaseUrl {
        self.database_url.clone().unwrap_or_else(|| DatabaseUrl::sqlite(&self.data_dir.join("castellan.db")))
    }

    /// What the browser's address bar shows; `bound` is the address the door really has.
    pub fn public_url(&self, bound: SocketAddr) -> Origin {
        self.public_url.clone().unwrap_or_else(|| Origin::of_address(self.secure(), bound))
    }

    /// The identity providers of this file.
    pub fn providers(&self) -> &[ConfiguredProvider] {
        self.auth.provider.as_ref().map_or(&[], ProviderTables::all)
    }

    /// Where generated keys are kept.
    pub fn secrets_dir(&self) -> PathBuf {
        self.data_dir.join("secrets")
    }

    fn check(&self) -> Result<(), ConfigError> {
        let no = |message: String| Err(ConfigError::Contradiction(message));
        if self.tls.certificate.is_some() != self.tls.key.is_some() {
            return no("`tls.certificate` and `tls.key` belong together: set both or neither".into());
        }
        if !self.listen.ip().to_canonical().is_loopback() && !self.secure() {
            return no(format!(
                "`listen` is {}, which others can reach, but there is no TLS. Set `tls.certificate` and `tls.key`; \
                 or `tls_terminated_by_proxy = true` if a proxy in front speaks TLS; or listen on 127.0.0.1:{} for this machine only",
                self.listen,
                self.listen.port(),
            ));
        }
        if let Some(url) = &self.public_url
            && url.is_https() != self.secure()
        {
            return no(format!(
                "`public_url` is {url}, which does not fit the rest: https needs `tls.certificate` and `tls.key`, or \
                 `tls_terminated_by_proxy = true`; with either of them it must be https",
            ));
        }
        if let Some(wrong) = self.auth.provider.as_ref().and_then(ProviderTables::wrong) {
            return no(wrong.to_owned());
        }
        if let Some(primary) = &self.auth.primary_provider
            && primary.as_str().parse::<domain::ProviderId>().is_err()
            && !self.providers().iter().any(|provider| provider.key == primary.as_str())
        {
            return no(format!(
                "`auth.primary_provider` is {}, but there is no [[auth.provider]] of this id. Without one nobody could sign in",
                primary.as_str(),
            ));
        }
        if self.sessions.idle > self.sessions.absolute {
            return no("`sessions.idle` is longer than `sessions.absolute`, so it would never count".into());
        }
        if self.listen == self.runner_listen && self.listen.port() != 0 {
            return no(format!("`listen` and `runner_listen` are both {}; each needs a port of its own", self.listen));
        }
        Ok(())
    }
}

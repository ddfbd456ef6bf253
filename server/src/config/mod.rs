//! Configuration: one table defines the structs, their manual, and the file that `castellan default-config` prints.

#[macro_use]
mod manual;
mod providers;
mod rate;
mod setting;
mod source;
#[cfg(test)]
mod tests;

use crate::http::Origin;
use domain::Email;
use ipnet::IpNet;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};
use store::sqlite_file;

pub use auth::{SecondFactor, providers::ConfiguredProvider};
pub use providers::ProviderTables;
pub use rate::{Quota, Rate};
pub use setting::{BoundedInt, DailyQuota, DatabaseUrl, LogFilter, LogFormat, ProviderKey, Sender, SmtpUrl, Token};
pub(crate) use source::{DATABASE_URL, ENCRYPTION_KEY, ENCRYPTION_KEY_FD, SESSION_SECRET};

settings! {
    /// All settings. Environment variables override `castellan.toml`.
    Config {
        /// Address and port for browsers and API clients. An address other than loopback requires TLS.
        listen: SocketAddr = default "127.0.0.1:9876";
        /// Address and port for runners. Always TLS 1.3 with client certificates.
        runner_listen: SocketAddr = default "127.0.0.1:9090";
        /// Directory for the SQLite database, generated keys (in secrets/) and other files.
        data_dir: PathBuf = default "./data";
        /// Database: sqlite:PATH, or postgres://USER:PASSWORD@HOST/DATABASE.
        /// Default: the SQLite file castellan.db in data_dir. To move its data to PostgreSQL, run
        /// castellan migrate --from sqlite:PATH --to postgres://USER@HOST/DATABASE
        database_url: Option<DatabaseUrl> = example "postgres://castellan@localhost/castellan";
        /// Public origin of the server, as browsers see it. Used in links and to reject cross-site requests.
        /// Default: the listen address.
        public_url: Option<Origin> = example "https://castellan.example.org";
        /// Set to true if a reverse proxy in front of Castellan terminates TLS.
        tls_terminated_by_proxy: bool = default false;
        /// Addresses or networks of reverse proxies. X-Forwarded-For is accepted only from these.
        trusted_proxies: Vec<IpNet> = default [];
    }
    /// TLS for the web pages and the API. Files are in PEM format.
    [tls] Tls {
        /// Server certificate, followed by intermediate certificates. Read again when the file changes.
        certificate: Option<PathBuf> = example "/etc/castellan/tls/fullchain.pem";
        /// Private key of the certificate.
        key: Option<PathBuf> = example "/etc/castellan/tls/privkey.pem";
        /// Set to true to generate a self-signed certificate. Browsers show a warning for it.
        self_signed: bool = default false;
    }
    /// Network restrictions for admins and auditors.
    [admin] Admin {
        /// Addresses or networks from which the admin and auditor roles apply; an empty list allows all. From other
        /// addresses, an admin has the permissions of an ordinary member, and an auditor can read nothing extra. Behind a
        /// proxy, the client address from `trusted_proxies` is used. The command line is not restricted.
        allow: Vec<IpNet> = default [];
    }
    /// The runner that `castellan serve` starts on this machine.
    [local_runner] LocalRunner {
        /// Set to false to run without it.
        enabled: bool = default true;
    }
    /// Tasks. A duration is a whole number followed by s, m, h or d.
    [tasks] Tasks {
        /// A queued task expires if no runner that can take it was connected for this time.
        queue_expiry: Duration = default "24h";
    }
    /// Authentication. docs/providers.md describes identity providers; admins can also add them under Settings,
    /// Authentication.
    [auth] Auth {
        /// Who must use a second factor: "admins", "everyone" or "off". A tenant can require it for everyone.
        /// People who have set up a second factor always use it.
        second_factor: SecondFactor = default "admins";
        /// ID of the only identity provider that people may sign in with. All other methods, including passwords, are
        /// disabled. In an emergency, `castellan admin break-glass` enables a password sign-in for an admin.
        primary_provider: Option<ProviderKey> = example "google";
        /// Whether tenant admins may add identity providers with a loopback address in Settings. Testing such a provider
        /// could reveal other services on this machine. Providers in this file may use any address.
        loopback_issuers: bool = default false;
        /// Email addresses that receive the admin role when they sign in through a provider that has verified the address.
        admin_emails: Vec<Email> = default [];
        /// Identity providers. Alternatively, write one [[auth.provider]] table per provider at the end of the file.
        provider: Option<ProviderTables> = example
            [{ id = "google", kind = "google", client_id = "CLIENT-ID", client_secret = "CLIENT-SECRET" }];
    }
    /// Browser sessions. A duration is a whole number followed by s, m, h or d.
    [sessions] Sessions {
        /// A session ends after this time without a request.
        idle: Duration = default "12h";
        /// Maximum lifetime of a session, even with activity.
        absolute: Duration = default "7d";
        /// Sensitive actions require re-authentication if the last authentication is older than this.
        step_up: Duration = default "15m";
    }
    /// Email for password resets, address confirmation and account notifications.
    [mail] Mail {
        /// SMTP server. smtps:// uses implicit TLS; smtp://…?tls=required uses STARTTLS. Without this setting no email is
        /// sent, and admins pass on links themselves.
        smtp: Option<SmtpUrl> = example "smtps://castellan:password@mail.example.org";
        /// Sender address.
        from: Option<Sender> = example "castellan@example.org";
    }
    /// Requests of this server to other systems.
    [outbound] Outbound {
        /// Addresses or networks that webhooks may have in addition to public ones, such as private networks and loopback addresses.
        /// A URL with such an address itself may begin with http. Link-local addresses and cloud metadata services are never allowed.
        allow: Vec<IpNet> = default [];
    }
    /// Connection, size and rate limits.
    [limits] Limits {
        /// Maximum number of open connections. When all are in use, those of unknown clients that have waited the longest are
        /// closed to make room, and connections of people and programs that are signed in are kept.
        connections: BoundedInt<16, 1_000_000> = default 2048;
        /// Maximum number of open connections per address (per /64 network for IPv6, and four times as many per /48 network).
        /// At the limit, the slowest ones of that address are closed. Trusted proxies are exempt.
        connections_per_address: BoundedInt<4, 1_000_000> = default 256;
        /// Maximum size of a request body, in bytes.
        request_body_bytes: BoundedInt<65_536, 67_108_864> = default 1048576;
        /// Page requests per person, over all browsers: N/s, N/m, N/h or off. Bursts of up to N requests are allowed.
        /// The limit per address (per /64 network for IPv6) is ten times as high, because several people can share one; a /48
        /// network has four times the limit of an address.
        /// Each server node counts separately.
        pages: Rate = default "3000/m";
        /// API read requests per API key. The limit per address is ten times as high.
        api_reads: Rate = default "6000/m";
        /// Write requests per person or API key, from pages and the API. The limit per address is ten times as high.
        changes: Rate = default "3000/m";
        /// Sign-in attempts with passwords and one-time links per address. Failed attempts are throttled in any case.
        sign_in: Rate = default "120/m";
        /// Runner enrollment attempts per address.
        enrollment: Rate = default "120/m";
    }
    /// Quotas per day (in UTC) of each person and of each tenant: a whole number, or off. The account page shows the usage.
    [quotas] QuotaSettings {
        /// Tasks that a person or service account can submit.
        tasks_per_person: DailyQuota = default 20000;
        /// Tasks that all people and service accounts of a tenant can submit.
        tasks_per_tenant: DailyQuota = default 200000;
        /// Stored scripts and output of a person's tasks, in MiB. A line of output takes about 55 bytes in addition to its text.
        stored_mib_per_person: DailyQuota = default 4096;
        /// Stored scripts and output of a tenant's tasks, in MiB.
        stored_mib_per_tenant: DailyQuota = default 32768;
    }
    /// Scheduled backups of the SQLite database, without the keys. docs/backup.md describes backups.
    [backup] BackupSettings {
        /// Existing folder for the backups, best on another disk. Without it, none are made. Not for PostgreSQL, which has
        /// pg_dump and base backups.
        folder: Option<PathBuf> = example "/var/backups/castellan";
        /// Time from one backup to the next.
        interval: Duration = default "1d";
        /// Number of backups that are kept. Older ones are deleted after a new one was made.
        keep: BoundedInt<1, 10_000> = default 14;
    }
    /// Prometheus metrics at /metrics.
    [metrics] Metrics {
        /// Bearer token that /metrics requires from every client, at least 16 characters. Without it, metrics are off.
        token: Option<Token> = example "a-long-random-text-of-your-own";
        /// Addresses or networks from which /metrics can be read, in addition to the token; an empty list allows all. Behind a
        /// proxy, the client address from `trusted_proxies` is used.
        allow: Vec<IpNet> = default [];
    }
    /// Log output on standard error.
    [log] Log {
        /// Level: error, warn, info, debug or trace; or levels per target, such as info,server=debug.
        level: LogFilter = default "info";
        /// Format: "text", or "json" with one object per line.
        format: LogFormat = default "text";
    }
}

/// Configuration error; every message names the setting.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is missing, unreadable or not valid TOML.
    #[error("{} cannot be read: {reason}", file.display())]
    Unreadable { file: PathBuf, reason: String },
    /// An unknown key, most likely a typo.
    #[error("`{key}` in {place} is not a setting; `castellan default-config` prints all settings")]
    Unknown { key: String, place: String },
    #[error("`{key}` is {given} in {place}; it must be {allowed}")]
    Invalid {
        key: String,
        place: String,
        /// The invalid value; never that of a secret.
        given: String,
        allowed: String,
    },
    /// A required setting that is not set.
    #[error("`{key}` is not set; it must be {allowed}")]
    Missing { key: String, allowed: String },
    /// Settings that are valid on their own but not in combination.
    #[error("{0}")]
    Conflict(String),
}

/// Returns the complete configuration file with comments, as `castellan default-config` prints it.
pub fn default_config() -> String {
    manual::print(MANUAL)
}

/// Loads the configuration of this process from `file`, or `castellan.toml` in the working directory if it exists, and the
/// environment. `taken` holds variables that were already removed from the environment.
///
/// # Errors
/// Fails if a setting is unknown, missing or invalid.
pub fn load(file: Option<&Path>, taken: &[(String, String)]) -> Result<Config, ConfigError> {
    let here = Path::new("castellan.toml");
    let file = file.or_else(|| here.exists().then_some(here));
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
    load_from(file, variables.chain(taken.iter().cloned()))
}

/// Loads a configuration from an optional file and the given variables.
///
/// # Errors
/// Fails like [`load`].
pub fn load_from(
    file: Option<&Path>,
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let config = Config::read(&source::Source::open(file, variables)?)?;
    config.check()?;
    Ok(config)
}

impl QuotaSettings {
    /// Returns the quotas in tasks and bytes.
    pub fn limits(&self) -> store::Quotas {
        let bytes = |mib: DailyQuota| mib.0.map(|mib| i64::from(mib) << 20);
        let tasks = |count: DailyQuota| count.0.map(i64::from);
        store::Quotas {
            person: store::Quota { tasks: tasks(self.tasks_per_person), bytes: bytes(self.stored_mib_per_person) },
            tenant: store::Quota { tasks: tasks(self.tasks_per_tenant), bytes: bytes(self.stored_mib_per_tenant) },
        }
    }
}

impl Config {
    /// Returns whether browsers connect over TLS, here or at a proxy. If so, cookies are `Secure` and HSTS is sent.
    pub fn secure(&self) -> bool {
        self.tls.certificate.is_some() || self.tls.self_signed || self.tls_terminated_by_proxy
    }

    pub fn database(&self) -> DatabaseUrl {
        self.database_url.clone().unwrap_or_else(|| DatabaseUrl::sqlite(&self.data_dir.join("castellan.db")))
    }

    /// Returns the public origin; `bound` is the address that the listener is bound to. A listener on all addresses is named by the
    /// loopback address, because no client can connect to 0.0.0.0.
    pub fn public_url(&self, bound: SocketAddr) -> Origin {
        let ip = match bound.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
            bound => bound,
        };
        let of_address = || Origin::of_address(self.secure(), SocketAddr::new(ip, bound.port()));
        self.public_url.clone().unwrap_or_else(of_address)
    }

    pub fn providers(&self) -> &[ConfiguredProvider] {
        self.auth.provider.as_ref().map_or(&[], ProviderTables::all)
    }

    /// Returns the directory of generated keys.
    pub fn secrets_dir(&self) -> PathBuf {
        self.data_dir.join("secrets")
    }

    fn check(&self) -> Result<(), ConfigError> {
        let conflict = |message: String| Err(ConfigError::Conflict(message));
        if self.tls.certificate.is_some() != self.tls.key.is_some() {
            return conflict("`tls.certificate` and `tls.key` belong together: set both or neither".into());
        }
        if self.tls.self_signed && self.tls.certificate.is_some() {
            return conflict("`tls.self_signed` and `tls.certificate` exclude each other: remove one of them".into());
        }
        if !self.listen.ip().to_canonical().is_loopback() && !self.secure() {
            return conflict(format!(
                "`listen` is {}, which other machines can reach, but TLS is not configured. Set `tls.certificate` and `tls.key`; \
                 or `tls.self_signed = true`; or `tls_terminated_by_proxy = true` if a reverse proxy terminates TLS; or listen on 127.0.0.1:{} for this machine only",
                self.listen,
                self.listen.port(),
            ));
        }
        if let Some(url) = &self.public_url
            && url.is_https() != self.secure()
        {
            return conflict(format!(
                "`public_url` is {url}, which does not match the TLS settings: https requires `tls.certificate` and `tls.key`, `tls.self_signed = true`, or \
                 `tls_terminated_by_proxy = true`; with any of these, the URL must be https",
            ));
        }
        if self.mail.smtp.is_some() != self.mail.from.is_some() {
            return conflict("`mail.smtp` and `mail.from` belong together: set both or neither".into());
        }
        if let Some(error) = self.auth.provider.as_ref().and_then(ProviderTables::error) {
            return conflict(error.to_owned());
        }
        if let Some(primary) = &self.auth.primary_provider
            && primary.as_str().parse::<domain::ProviderId>().is_err()
            && !self.providers().iter().any(|provider| provider.key == primary.as_str())
        {
            return conflict(format!(
                "`auth.primary_provider` is {}, but no [[auth.provider]] has this id, so nobody could sign in",
                primary.as_str(),
            ));
        }
        if self.backup.folder.is_some() && sqlite_file(self.database().expose()).is_none() {
            return conflict(
                "`backup.folder` schedules backups of SQLite, but the data is in PostgreSQL: remove it, and schedule pg_dump or a base \
                 backup instead. The chapter “Backup and restore” of the guide (docs/backup.md) describes the steps"
                    .into(),
            );
        }
        if self.sessions.idle > self.sessions.absolute {
            return conflict("`sessions.idle` is longer than `sessions.absolute`, so it would have no effect".into());
        }
        if self.listen == self.runner_listen && self.listen.port() != 0 {
            return conflict(format!(
                "`listen` and `runner_listen` are both {}; they need different ports",
                self.listen
            ));
        }
        Ok(())
    }
}

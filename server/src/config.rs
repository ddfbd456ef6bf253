//! What an operator can set: one table is the struct, its manual, and the file `castellan default-config` prints.

#[macro_use]
mod manual;
mod providers;
mod rate;
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

pub use auth::{SecondFactor, providers::ConfiguredProvider};
pub use providers::ProviderTables;
pub use rate::{Quota, Rate};
pub use setting::{DatabaseUrl, LogFilter, LogFormat, ProviderKey, Sender, SmtpUrl, Token, Whole};
pub(crate) use source::{DATABASE_URL, ENCRYPTION_KEY, ENCRYPTION_KEY_FD, SESSION_SECRET};

use crate::http::Origin;

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
        /// Without it: the SQLite file castellan.db in data_dir. What is there moves to PostgreSQL with
        /// castellan migrate --from sqlite:PATH --to postgres://USER@HOST/DATABASE
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
        /// True makes a certificate of our own where there is none: browsers warn of it, and it says so wherever it is shown.
        self_signed: bool = default false;
    }
    /// Where admins and auditors may work from.
    [admin] Admin {
        /// Addresses or networks; empty is everywhere. From elsewhere an admin is an ordinary member, and an auditor reads
        /// nothing more. Behind a proxy the client's own address counts, as `trusted_proxies` say. The console is never asked.
        allow: Vec<IpNet> = default [];
    }
    /// The runner that `castellan serve` starts by itself on this machine.
    [local_runner] LocalRunner {
        /// False leaves it out.
        enabled: bool = default true;
    }
    /// Who says who somebody is, and what signing in asks for; docs/providers.md tells of identity providers. Admins set them
    /// up in Settings, Authentication, too.
    [auth] Auth {
        /// Who must have a second factor: "admins", "everybody", or "off" for nobody. Each tenant may ask everybody.
        /// Whoever has one is asked for it in any case.
        second_factor: SecondFactor = default "admins";
        /// The id of the one provider that leads in. All other ways are closed then, passwords among them;
        /// `castellan admin break-glass` opens them for an admin in an emergency.
        primary_provider: Option<ProviderKey> = example "google";
        /// Whether admins of tenants may set up providers on this machine itself, in Settings: with a test of one they would
        /// find out what else listens here. Those of this file may be anywhere.
        loopback_issuers: bool = default false;
        /// Addresses of people who become admins when a provider that verified the address signs them in.
        admin_emails: Vec<Email> = default [];
        /// Identity providers; more easily written as one [[auth.provider]] table each, at the end of the file.
        provider: Option<ProviderTables> = example
            [{ id = "google", kind = "google", client_id = "CLIENT-ID", client_secret = "CLIENT-SECRET" }];
    }
    /// How long somebody stays signed in. Times are a whole number and s, m, h or d.
    [sessions] Sessions {
        /// After so long without a request.
        idle: Duration = default "12h";
        /// At the latest, however busy.
        absolute: Duration = default "7d";
        /// What is sensitive asks for a new proof of who one is, when the last is older than this.
        step_up: Duration = default "15m";
    }
    /// Mail: links for forgotten passwords and new addresses, and word of what happened with an account.
    [mail] Mail {
        /// The server that takes our mail. smtps:// is TLS from the start; smtp://…?tls=required is STARTTLS. Without it
        /// no mail is sent, and admins hand over links instead.
        smtp: Option<SmtpUrl> = example "smtps://castellan:password@mail.example.org";
        /// The sender's address.
        from: Option<Sender> = example "castellan@example.org";
    }
    /// What one client, and all of them together, may take.
    [limits] Limits {
        /// Open connections in all.
        connections: Whole<16, 1_000_000> = default 2048;
        /// Open connections of one address (of one /64 network with IPv6); trusted proxies are exempt.
        connections_per_address: Whole<4, 1_000_000> = default 256;
        /// Bytes of one request's body.
        request_body_bytes: Whole<65_536, 67_108_864> = default 1048576;
        /// Requests for pages of one person, in all browsers together: N/s, N/m, N/h or off. As many may come at once.
        /// An address (a /64 network with IPv6) may ask ten times as often: several people share one. Each node counts for itself.
        pages: Rate = default "3000/m";
        /// Requests of one key that read over the API; of an address ten times as many.
        api_reads: Rate = default "6000/m";
        /// Changes of one person or one key, by page or API; of an address ten times as many.
        changes: Rate = default "3000/m";
        /// Passwords and one-time links that one address shows. Wrong ones are slowed down besides, whatever this says.
        sign_in: Rate = default "120/m";
        /// Runners that enroll from one address, and tokens that are tried there.
        enrollment: Rate = default "120/m";
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
///
/// `taken` are variables that were taken out of the environment.
pub fn load(file: Option<&Path>, taken: &[(String, String)]) -> Result<Config, ConfigError> {
    let here = Path::new("castellan.toml");
    let file = file.or_else(|| here.exists().then_some(here));
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
    load_from(file, variables.chain(taken.iter().cloned()))
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
        self.tls.certificate.is_some() || self.tls.self_signed || self.tls_terminated_by_proxy
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
        if self.tls.self_signed && self.tls.certificate.is_some() {
            return no(
                "`tls.self_signed` makes a certificate where there is none: leave it out, or `tls.certificate`".into()
            );
        }
        if !self.listen.ip().to_canonical().is_loopback() && !self.secure() {
            return no(format!(
                "`listen` is {}, which others can reach, but there is no TLS. Set `tls.certificate` and `tls.key`; \
                 or `tls.self_signed = true`; or `tls_terminated_by_proxy = true` if a proxy in front speaks TLS; or listen on 127.0.0.1:{} for this machine only",
                self.listen,
                self.listen.port(),
            ));
        }
        if let Some(url) = &self.public_url
            && url.is_https() != self.secure()
        {
            return no(format!(
                "`public_url` is {url}, which does not fit the rest: https needs `tls.certificate` and `tls.key`, `tls.self_signed = true`, or \
                 `tls_terminated_by_proxy = true`; with either of them it must be https",
            ));
        }
        if self.mail.smtp.is_some() != self.mail.from.is_some() {
            return no("`mail.smtp` and `mail.from` belong together: set both or neither".into());
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

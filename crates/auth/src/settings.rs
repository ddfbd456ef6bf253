//! Authentication settings: origin, second-factor requirement, identity providers and session lifetime.
use crate::{SecondFactor, SessionKey, providers::ConfiguredProvider};
use domain::Email;
use secrecy::ExposeSecret;
use std::{path::PathBuf, time::Duration};

/// The configuration of authentication.
#[derive(Debug)]
pub struct Settings {
    /// Scheme, host and port that browsers use.
    pub origin: String,
    /// Who needs a second factor by default. A tenant can require one for everyone.
    pub second_factor: SecondFactor,
    /// The provider that is the only way to sign in; passwords and passkeys are disabled with it.
    pub primary_provider: Option<String>,
    /// Whether tenants may set up providers on the server's own machine.
    pub loopback_issuers: bool,
    /// Verified addresses that become tenant admins at sign-in by a provider.
    pub admin_emails: Vec<Email>,
    /// The providers of the configuration file.
    pub providers: Vec<ConfiguredProvider>,
    /// The absolute lifetime of a session.
    pub session_lifetime: Duration,
    /// Seals the sign-in tickets of identity providers.
    pub session_key: SessionKey,
    /// The folder that holds the set-up link's file.
    pub data_dir: PathBuf,
}

impl Settings {
    /// Settings with the defaults of the configuration file, no providers, and data in `data_dir`.
    pub fn new(origin: impl Into<String>, session_key: &SessionKey, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            origin: origin.into(),
            second_factor: SecondFactor::Admins,
            primary_provider: None,
            loopback_issuers: false,
            admin_emails: vec![],
            providers: vec![],
            session_lifetime: Duration::from_hours(7 * 24),
            session_key: SessionKey::new(Box::new(*session_key.expose_secret())),
            data_dir: data_dir.into(),
        }
    }

    /// Returns whether browsers use HTTPS, so that cookies are `Secure`.
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https:")
    }

    /// Returns the host that browsers use, with its port if it is not the usual one.
    pub fn host(&self) -> String {
        self.origin.split_once("://").map_or(self.origin.as_str(), |(_, host)| host).to_owned()
    }

    /// Returns whether passwords and passkeys are disabled because one provider is the only way to sign in.
    pub fn passwords_disabled(&self) -> bool {
        self.primary_provider.is_some()
    }
}

//! Shared authentication state: settings, hasher, identity providers, passkey verifier and attempt locks.
use crate::{
    AttemptLocks, BackgroundWrites, Hasher, Passkeys, Providers, SecondFactor, SessionKey,
    providers::{ConfiguredProvider, FetchError},
};
use domain::{Email, PersonId, security::SecurityEvent};
use secrecy::ExposeSecret;
use std::{fmt, net::IpAddr, path::PathBuf, sync::Arc, time::Duration};
use store::Store;

/// The configuration of authentication.
#[derive(Debug)]
pub struct Settings {
    /// Scheme, host and port that browsers use.
    pub origin: String,
    /// The requirement of a second factor; a tenant can require it for everyone.
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

    /// Whether browsers use HTTPS, so that cookies are `Secure`.
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https:")
    }

    /// Whether passwords and passkeys are disabled because one provider is the only way to sign in.
    pub fn passwords_disabled(&self) -> bool {
        self.primary_provider.is_some()
    }
}

/// The log of refused attempts of unknown people, with its rate limit.
#[derive(Clone)]
pub struct AuthLog {
    /// Writes a security event about a client whose tenant is unknown: the event, its address, the request and the reason.
    pub anonymous: fn(SecurityEvent, IpAddr, &'static str, &'static str),
    /// Returns whether a throttled attempt of this person, or of this address if the person is unknown, must be recorded now.
    pub is_throttle_due: Arc<dyn Fn(Option<PersonId>, IpAddr) -> bool + Send + Sync>,
}

impl fmt::Debug for AuthLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthLog")
    }
}

impl Default for AuthLog {
    /// A log that drops everything.
    fn default() -> Self {
        Self { anonymous: |_, _, _, _| {}, is_throttle_due: Arc::new(|_, _| false) }
    }
}

/// The authentication state that all requests share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Auth {
    pub store: Store,
    pub settings: Arc<Settings>,
    pub hasher: Hasher,
    pub providers: Providers,
    /// `None` where the server is reached by a bare IP address.
    pub passkeys: Option<Passkeys>,
    pub attempts: Arc<AttemptLocks>,
    pub background: BackgroundWrites,
    pub log: AuthLog,
}

impl Auth {
    /// Authentication against `store`, with locks and background writes of its own and no log.
    ///
    /// # Errors
    /// When the system's root certificates cannot be read.
    pub fn new(store: Store, settings: Settings, hasher: Hasher) -> Result<Self, FetchError> {
        let settings = Arc::new(settings);
        Ok(Self {
            providers: Providers::new(store.clone(), Arc::clone(&settings))?,
            passkeys: Passkeys::at(&settings.origin),
            store,
            settings,
            hasher,
            attempts: Arc::default(),
            background: BackgroundWrites::default(),
            log: AuthLog::default(),
        })
    }
}

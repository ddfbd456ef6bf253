//! Shared authentication state: settings, hasher, identity providers, passkey verifier and attempt locks.
use crate::{AttemptLocks, BackgroundWrites, Hasher, Passkeys, Providers, Settings, providers::FetchError};
use domain::{PersonId, security::SecurityEvent};
use std::{fmt, net::IpAddr, sync::Arc};
use store::Store;

/// Where refused attempts of unknown people are logged, and how often.
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
    /// Returns a log that drops everything.
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
    /// Creates the authentication against `store`, with locks and background writes of its own and no log.
    ///
    /// # Errors
    /// Fails if the system's root certificates cannot be read.
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

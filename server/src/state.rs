//! What every handler shares.
use crate::{
    auth::KeyUsageCache,
    config::Config,
    failure::Failure,
    http::SiteCertificate,
    keys::{Given, Keys, SecretsDir},
    rates::Rates,
};
use ::auth::{AttemptLocks, BackgroundWrites};
use domain::Timestamp;
use secrecy::ExposeSecret;
use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use store::{Settings, Store};
use tokio_util::sync::CancellationToken;

/// The parts of a running server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// The database.
    pub store: Store,
    /// As configured.
    pub config: Arc<Config>,
    /// The deployment's own keys.
    pub keys: Arc<Keys>,
    /// How often who has asked lately.
    pub rates: Arc<Rates>,
    /// The recent uses of API keys, by network.
    pub key_usage: Arc<KeyUsageCache>,
    /// The locks of sign-in attempts.
    pub attempts: Arc<AttemptLocks>,
    /// The writes that are done after the response.
    pub background: BackgroundWrites,
    /// The certificate of pages and API, where we speak TLS to browsers ourselves.
    pub certificate: Option<Arc<SiteCertificate>>,
    /// Cancelled when the server is told to stop: what would go on for ever ends then.
    pub stop: CancellationToken,
}

impl App {
    /// Opens keys and database as configured, making what is missing. What was given goes before the keys' files.
    ///
    /// # Errors
    /// What is wrong, and what to do about it.
    pub async fn open(config: Config, given: Given) -> Result<Self, Failure> {
        let secrets = SecretsDir::open_or_create(&config.secrets_dir())?;
        let keys = Keys::open_with(&secrets, given)?;
        let store = Store::open(Self::settings(&keys, config.database().expose().to_owned())).await?;
        keys.check_with(&store, &secrets).await?;
        if config.mail.smtp.is_some() {
            store.queue_mail();
        }
        let rates = Arc::new(Rates::new(&config.limits));
        Ok(Self {
            store,
            config: Arc::new(config),
            keys: Arc::new(keys),
            rates,
            key_usage: Arc::default(),
            attempts: Arc::default(),
            background: BackgroundWrites::default(),
            certificate: None,
            stop: CancellationToken::new(),
        })
    }

    /// The keys alone, making those that are missing.
    ///
    /// # Errors
    /// What is wrong, and what to do about it.
    pub fn keys(config: &Config, given: Given) -> Result<Keys, Failure> {
        let secrets = SecretsDir::open_or_create(&config.secrets_dir())?;
        Ok(Keys::open_with(&secrets, given)?)
    }

    /// What opening the database at `url` with these keys needs.
    pub fn settings(keys: &Keys, url: String) -> Settings {
        let key = store::MasterKey::new(*keys.master.expose_secret());
        Settings { url, key, clock: Arc::new(now) }
    }
}

/// The system's time: the one place where the server reads it.
#[expect(clippy::disallowed_methods, reason = "time comes in here, and is passed on as a value")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

//! What every handler shares.
use crate::{
    config::Config,
    failure::Failure,
    keys::{Keys, MasterKey, SecretsDir},
};
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
    /// Cancelled when the server is told to stop: what would go on for ever ends then.
    pub stop: CancellationToken,
}

impl App {
    /// Opens keys and database as configured, making what is missing. `key` goes before the master key's file.
    ///
    /// # Errors
    /// What is wrong, and what to do about it.
    pub async fn open(config: Config, key: Option<MasterKey>) -> Result<Self, Failure> {
        let keys = Self::keys(&config, key)?;
        let store = Store::open(Self::settings(&keys, config.database().expose().to_owned())).await?;
        keys.check_with(&store).await?;
        if config.mail.smtp.is_some() {
            store.queue_mail();
        }
        Ok(Self { store, config: Arc::new(config), keys: Arc::new(keys), stop: CancellationToken::new() })
    }

    /// The keys alone, making those that are missing.
    ///
    /// # Errors
    /// What is wrong, and what to do about it.
    pub fn keys(config: &Config, key: Option<MasterKey>) -> Result<Keys, Failure> {
        let secrets = SecretsDir::open_or_create(&config.secrets_dir())?;
        Ok(Keys::open_or_create(&secrets, key)?)
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

//! Application state that all handlers share.
use crate::{
    authentication::KeyUsageCache,
    clock,
    config::Config,
    failure::Failure,
    http::SiteCertificate,
    keys::{EnvironmentSecrets, Keys, SecretsDir},
    rates::Rates,
};
use auth::{AttemptLocks, BackgroundWrites};
use secrecy::ExposeSecret;
use std::sync::Arc;
use store::{Settings, Store};
use tokio_util::sync::CancellationToken;

/// Components of a running server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    pub store: Store,
    pub config: Arc<Config>,
    pub keys: Arc<Keys>,
    /// Rate limiters.
    pub rates: Arc<Rates>,
    /// Recent client addresses of API keys.
    pub key_usage: Arc<KeyUsageCache>,
    /// Locks of running sign-in and re-authentication attempts.
    pub attempts: Arc<AttemptLocks>,
    /// Database writes that continue after the response.
    pub background: BackgroundWrites,
    /// Certificate of pages and API, if TLS is configured here.
    pub certificate: Option<Arc<SiteCertificate>>,
    /// Cancelled when the server stops.
    pub stop: CancellationToken,
}

impl App {
    /// Opens keys and database, and creates them if they do not exist. Secrets from the environment (`given`) replace key files.
    ///
    /// # Errors
    /// Fails if a part cannot be set up, with a message that describes the fix.
    pub async fn open(config: Config, given: EnvironmentSecrets) -> Result<Self, Failure> {
        let secrets = SecretsDir::open_or_create(&config.secrets_dir())?;
        let keys = Keys::open_with(&secrets, given)?;
        let store = Store::open(Self::settings(&keys, config.database().expose().to_owned())).await?;
        keys.check_with(&store, &secrets).await?;
        if config.mail.smtp.is_some() {
            store.enable_mail();
        }
        store.set_quotas(config.quotas.limits());
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

    /// Opens only the keys, and creates missing ones.
    ///
    /// # Errors
    /// Fails if a key cannot be read or created.
    pub fn keys(config: &Config, given: EnvironmentSecrets) -> Result<Keys, Failure> {
        let secrets = SecretsDir::open_or_create(&config.secrets_dir())?;
        Ok(Keys::open_with(&secrets, given)?)
    }

    /// Returns the settings to open the database at `url` with these keys.
    pub fn settings(keys: &Keys, url: String) -> Settings {
        let key = store::MasterKey::new(*keys.master.expose_secret());
        Settings { url, key, signer: keys.grants.clone(), clock: Arc::new(clock::now) }
    }
}

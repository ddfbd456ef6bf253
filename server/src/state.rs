//! Application state that all handlers share.
use crate::{
    authentication::KeyUsageCache,
    backup::{ScheduleState, Switch},
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

/// What a command does if there is no data folder, key or database yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMissing {
    /// Creates it: `castellan serve` and `castellan admin create-…`.
    Create,
    /// Fails: all others, which could only have been called in the wrong folder.
    Fail,
}

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
    /// State of the scheduled backups.
    pub backups: Arc<ScheduleState>,
    /// Cancelled when the server stops.
    pub stop: CancellationToken,
}

impl App {
    /// Opens keys and database. Secrets from the environment (`given`) replace key files.
    ///
    /// # Errors
    /// Fails if a part cannot be set up, with a message that describes the fix.
    pub async fn open(config: Config, given: EnvironmentSecrets, missing: IfMissing) -> Result<Self, Failure> {
        let url = config.database().expose().to_owned();
        let keys = Self::open_keys(&config, &url, given, missing).await?;
        Self::open_with(config, url, keys).await
    }

    /// Opens the deployment with the database at `url` and the keys of [`App::open_keys`].
    ///
    /// # Errors
    /// Fails like [`App::open`].
    pub async fn open_with(config: Config, url: String, (secrets, keys): (SecretsDir, Keys)) -> Result<Self, Failure> {
        Self::open_with_keys(config, url, &secrets, Arc::new(keys)).await
    }

    /// Opens the deployment like [`App::open_with`], with keys that are also used elsewhere.
    ///
    /// # Errors
    /// Fails like [`App::open`].
    pub async fn open_with_keys(
        config: Config,
        url: String,
        secrets: &SecretsDir,
        keys: Arc<Keys>,
    ) -> Result<Self, Failure> {
        let store = Store::open(Self::settings(&keys, url)).await?;
        keys.check_with(&store, secrets).await?;
        if config.mail.smtp.is_some() {
            store.enable_mail();
        }
        store.set_quotas(config.quotas.limits());
        store.set_queue_expiry(config.tasks.queue_expiry);
        let rates = Arc::new(Rates::new(&config.limits));
        Ok(Self {
            store,
            config: Arc::new(config),
            keys,
            rates,
            key_usage: Arc::default(),
            attempts: Arc::default(),
            background: BackgroundWrites::default(),
            certificate: None,
            backups: Arc::default(),
            stop: CancellationToken::new(),
        })
    }

    /// Opens only the keys of the deployment with the database at `url`. They are created together with the database and never again.
    ///
    /// # Errors
    /// Fails if a key is missing or cannot be read or created, and if there is nothing here and `missing` says so.
    pub async fn open_keys(
        config: &Config,
        url: &str,
        given: EnvironmentSecrets,
        missing: IfMissing,
    ) -> Result<(SecretsDir, Keys), Failure> {
        Switch::assert_finished(&config.data_dir)?;
        let path = config.secrets_dir();
        let nothing = |what: &str| {
            let place = std::path::absolute(&config.data_dir).unwrap_or_else(|_| config.data_dir.clone());
            Failure::new(format!(
                "{what}: {}. Run the command in the folder where `castellan serve` runs, or set CASTELLAN_DATA_DIR to its data folder. \
                 Only `castellan serve` and `castellan admin create-…` create one",
                place.display()
            ))
        };
        if missing == IfMissing::Fail && !path.exists() {
            return Err(nothing("no data folder here"));
        }
        let secrets = match (store::is_initialized(url).await?, missing) {
            (true, _) => SecretsDir::open(&path)?,
            (false, IfMissing::Create) => SecretsDir::open_or_create(&path)?,
            (false, IfMissing::Fail) => return Err(nothing("the data folder has no database yet")),
        };
        let keys = Keys::open_with(&secrets, given)?;
        Ok((secrets, keys))
    }

    /// Returns the settings to open the database at `url` with these keys.
    pub fn settings(keys: &Keys, url: String) -> Settings {
        let key = store::MasterKey::new(*keys.master.expose_secret());
        Settings { url, key, signer: keys.grants.clone(), clock: Arc::new(clock::now) }
    }
}

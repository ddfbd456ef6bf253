//! In-process store with one tenant and the console as the actor.
use anyhow::Result;
use domain::{Actor, TenantId, Timestamp};
use std::{path::Path, sync::Arc, time::SystemTime};
use store::{MasterKey, Settings, Store};

/// An opened store.
#[derive(Debug)]
pub struct BenchStore {
    pub store: Store,
    pub tenant: TenantId,
    pub console: Actor,
}

impl BenchStore {
    /// Opens an empty database: the given one, or a file in `folder`.
    ///
    /// # Errors
    /// Fails if it cannot be opened.
    pub async fn new(folder: &Path, database: Option<&str>) -> Result<Self> {
        let file = format!("sqlite:{}", folder.join("store.db").display());
        let url = database.map_or(file, str::to_owned);
        let store = Store::open(Settings { url, key: MasterKey::new([7; 32]), clock: Arc::new(now) }).await?;
        let tenant = store.system().create_tenant("bench").await?;
        Ok(Self { console: Actor::console(tenant, store.now()), store, tenant })
    }
}

#[expect(clippy::disallowed_methods, reason = "benchmarks run in real time")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

//! In-process store with one tenant and the console as the actor.
use anyhow::Result;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use domain::{Actor, TenantId, Timestamp, consent::Signer};
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
        let signer = Arc::new(BenchKey(Ed25519KeyPair::generate()?));
        let store = Store::open(Settings { url, key: MasterKey::new([7; 32]), signer, clock: Arc::new(now) }).await?;
        let tenant = store.system().create_tenant("bench").await?;
        Ok(Self { console: Actor::console(tenant, store.now()), store, tenant })
    }
}

/// Signs as the server does.
struct BenchKey(Ed25519KeyPair);

impl Signer for BenchKey {
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).as_ref().try_into().unwrap_or([0; 64])
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0.public_key().as_ref()).verify(message, signature).is_ok()
    }
}

#[expect(clippy::disallowed_methods, reason = "benchmarks run in real time")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

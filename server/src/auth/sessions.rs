//! tower-sessions over our store. Ids are kept as hashes; saving updates a session and never makes one (E11).
use super::{digest, note_use};
use crate::keys::SessionKey;
use aws_lc_rs::hmac;
use domain::{BrowserSessionId, PersonId, SignedInBy, TenantId};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, time::Duration};
use store::{Store, system};
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store::{Error, Result},
};

/// The sessions of a deployment.
#[derive(Clone, Debug)]
pub struct Sessions {
    store: Store,
    /// Ends a session that was not used for so long.
    idle: Duration,
    /// Makes the next id of a session from its present one.
    key: hmac::Key,
}

/// Under this name stands in a session's data who holds it.
pub(super) const HOLDER: &str = "holder";

/// Who holds a session: what a request learns from its cookie.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Holder {
    pub tenant: TenantId,
    pub person: PersonId,
    pub session: BrowserSessionId,
    pub by: SignedInBy,
    pub proved_at: domain::Timestamp,
    /// Whether a second factor was shown, or vouched for.
    pub vouched: bool,
    /// Whether the store has it under the id that it becomes: so at sign-in, and not where an id is due to change.
    #[serde(default)]
    pub opened: bool,
    /// What they are now; not yet, at sign-in.
    #[serde(default)]
    pub who: Option<system::Holder>,
    /// The id that it changes to, or begins with; as bytes, because JSON's numbers do not reach so far.
    #[serde(default)]
    pub becomes: Option<[u8; 16]>,
}

impl Sessions {
    /// Sessions in `store` that end when they are idle for so long.
    pub fn new(store: Store, key: &SessionKey, idle: Duration) -> Self {
        Self { store, idle, key: hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret()) }
    }

    /// The id that follows `id`: the same for two requests that come at once, known to nobody without the key.
    fn after(&self, id: Id) -> Option<[u8; 16]> {
        let tag = hmac::sign(&self.key, &[b"session id after".as_slice(), &id.0.to_be_bytes()].concat());
        tag.as_ref().first_chunk().copied()
    }
}

/// An id with 128 bits of the operating system's randomness.
pub(super) fn fresh() -> Result<Id> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::Backend(error.to_string()))?;
    Ok(Id(i128::from_be_bytes(bytes)))
}

fn backend(error: &store::Error) -> Error {
    Error::Backend(error.to_string())
}

#[async_trait::async_trait]
impl SessionStore for Sessions {
    /// Called for a session without an id: at sign-in, when the store has it already, and when the id of an open one changes.
    /// The latter changes the row that is there. No row is made here: what was signed out meanwhile stays so.
    async fn create(&self, record: &mut Record) -> Result<()> {
        let holder = record.data.get(HOLDER).cloned().and_then(|value| serde_json::from_value::<Holder>(value).ok());
        let nobody = || Error::Backend("a session is opened by signing in".into());
        let Holder { tenant, session, opened, becomes, .. } = holder.ok_or_else(nobody)?;
        record.id = Id(i128::from_be_bytes(becomes.ok_or_else(nobody)?));
        if !opened {
            let token = digest(&record.id.to_string());
            self.store
                .system()
                .rotate_browser_session(tenant, session, token)
                .await
                .map_err(|error| backend(&error))?;
        }
        Ok(())
    }

    /// Nothing of a session changes but what the store itself notes.
    async fn save(&self, _: &Record) -> Result<()> {
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let system = self.store.system();
        let found = system.session(digest(&id.to_string()), self.idle).await.map_err(|error| backend(&error))?;
        let Some((session, who)) = found else { return Ok(None) };
        if self.store.now().since(session.last_used_at) >= system::LAST_USED {
            let (store, used) = (self.store.clone(), session.clone());
            note_use(async move { store.system().touch_browser_session(&used).await }).await;
        }
        let holder = Holder {
            tenant: session.tenant_id,
            person: session.person_id,
            session: session.id,
            by: session.signed_in_by,
            proved_at: session.proved_at,
            vouched: session.vouched,
            opened: false,
            who: Some(who),
            becomes: session.rotate.then(|| self.after(*id)).flatten(),
        };
        let holder = serde_json::to_value(holder).map_err(|error| Error::Encode(error.to_string()))?;
        let expiry_date = time::OffsetDateTime::from_unix_timestamp(session.expires_at.seconds())
            .map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data: HashMap::from([(HOLDER.into(), holder)]), expiry_date }))
    }

    /// Called before an id changes as well as to end a session; ending is done by who is asked for it, so that it is
    /// in the audit log.
    async fn delete(&self, _: &Id) -> Result<()> {
        Ok(())
    }
}

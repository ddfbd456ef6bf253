//! Browser sessions in the store, behind the session layer's trait. Ids are stored as hashes; saving never creates a session
//! (E11).
use crate::{digest, note_use};
use aws_lc_rs::hmac;
use domain::{BrowserSessionId, PersonId, SignedInBy, TenantId};
use secrecy::{ExposeSecret, SecretBox};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, time::Duration};
use store::{Store, system};
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store::{Error, Result},
};

/// The 64-byte secret that session identifiers are derived with.
pub type SessionKey = SecretBox<[u8; 64]>;

/// The browser sessions of a deployment.
#[derive(Clone, Debug)]
pub struct Sessions {
    store: Store,
    /// The idle timeout.
    idle: Duration,
    /// Derives the next id of a session from its current one.
    key: hmac::Key,
}

/// The key of the [`Holder`] in a session's data.
pub(crate) const HOLDER: &str = "holder";

/// The holder of a session, as a request reads it by its cookie.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Holder {
    pub tenant: TenantId,
    pub person: PersonId,
    pub session: BrowserSessionId,
    pub by: SignedInBy,
    pub authenticated_at: domain::Timestamp,
    /// Whether a second factor was presented, or a provider vouched for one.
    pub second_factor_verified: bool,
    /// Whether the store has the session under `next_id` already: true at sign-in, false when an id is due for rotation.
    #[serde(default)]
    pub opened: bool,
    /// The person's current rights; `None` at sign-in.
    #[serde(default)]
    pub who: Option<system::Holder>,
    /// The id that the session changes to or starts with; as bytes, because it does not fit a JSON number.
    #[serde(default)]
    pub next_id: Option<[u8; 16]>,
}

impl Sessions {
    /// Returns the sessions in `store` with this idle timeout.
    pub fn new(store: Store, key: &SessionKey, idle: Duration) -> Self {
        Self { store, idle, key: hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret()) }
    }

    /// Returns the id that follows `id`: the same for concurrent requests, and not predictable without the key.
    fn next_id(&self, id: Id) -> Option<[u8; 16]> {
        let tag = hmac::sign(&self.key, &[b"session id after".as_slice(), &id.0.to_be_bytes()].concat());
        tag.as_ref().first_chunk().copied()
    }
}

/// Returns a random session id of 128 bits.
pub(crate) fn random_id() -> Result<Id> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::Backend(error.to_string()))?;
    Ok(Id(i128::from_be_bytes(bytes)))
}

fn backend(error: &store::Error) -> Error {
    Error::Backend(error.to_string())
}

#[async_trait::async_trait]
impl SessionStore for Sessions {
    /// Called for a session without an id: at sign-in, when the store has the session already, and when an id is rotated, which
    /// changes the existing row. No row is created here, so that a session that was ended in the meantime stays ended.
    async fn create(&self, record: &mut Record) -> Result<()> {
        let holder = record.data.get(HOLDER).cloned().and_then(|value| serde_json::from_value::<Holder>(value).ok());
        let refused = || Error::Backend("only a sign-in creates a session".into());
        let Holder { tenant, session, opened, next_id, .. } = holder.ok_or_else(refused)?;
        record.id = Id(i128::from_be_bytes(next_id.ok_or_else(refused)?));
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

    /// Does nothing: the store itself records the use of a session.
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
            authenticated_at: session.authenticated_at,
            second_factor_verified: session.second_factor_verified,
            opened: false,
            who: Some(who),
            next_id: session.rotate.then(|| self.next_id(*id)).flatten(),
        };
        let holder = serde_json::to_value(holder).map_err(|error| Error::Encode(error.to_string()))?;
        let expiry_date = time::OffsetDateTime::from_unix_timestamp(session.expires_at.seconds())
            .map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data: HashMap::from([(HOLDER.into(), holder)]), expiry_date }))
    }

    /// Does nothing: it is called before an id changes as well as to end a session, which the caller records in the audit log.
    async fn delete(&self, _: &Id) -> Result<()> {
        Ok(())
    }
}

//! The keys that all nodes of a deployment share (A-04, D-12): what the database was first opened with counts.

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox};
use store::Store;

use super::{Keys, SESSIONS, SESSIONS_BEFORE, SecretsDir, SessionKey, fill, from_hex};
use crate::failure::Failure;

/// Under this number the database knows the runners' authority; those before it are in [`Keys::check_with`].
const AUTHORITY: i64 = 5;

/// And under this one the session secret.
const SESSIONS_NUMBER: i64 = 4;

impl Keys {
    /// Compares these keys with those that the database knows; the first start makes them known.
    ///
    /// With another grant key a runner would refuse what this node assigns, with another checkpoint key the audit log
    /// would not verify, with another session key two nodes would give one session two different ids.
    ///
    /// # Errors
    /// Which key is not the deployment's, and what to do.
    pub async fn check_with(&self, store: &Store, secrets: &SecretsDir) -> Result<(), Failure> {
        known(store, 2, "grants.pem", &self.grants.public_key()).await?;
        known(store, 3, "checkpoints.pem", &self.checkpoints.public_key()).await?;
        let own = fingerprint(self.sessions.expose_secret());
        // A rotation that was killed half-way: the file is new, and the database knows the one before.
        if let Some(before) = self.session_secret_before(secrets)? {
            store.system().replace_key(SESSIONS_NUMBER, &fingerprint(before.expose_secret()), &own).await?;
            secrets.remove(SESSIONS_BEFORE)?;
        }
        match known(store, SESSIONS_NUMBER, SESSIONS, &own).await {
            Err(_) if self.configured => Err(Failure::new(
                "CASTELLAN_SESSION_SECRET is not the one that this database works with. All nodes of a deployment need the \
                 same one. If it was changed on purpose, make it known: castellan admin rotate-session-secret",
            )),
            checked => checked,
        }
    }

    /// Puts a new session secret in the place of the one in the file, and makes it known to the database. Nobody is
    /// signed out: sessions are found by hashes of their own identifiers, and the secret makes only those to come.
    ///
    /// # Errors
    /// When it cannot be made, written or made known; a start afterwards brings it to its end.
    pub async fn rotate_session_secret(&self, store: &Store, secrets: &SecretsDir) -> Result<(), Failure> {
        let mut bytes = SecretBox::new(Box::new([0_u8; 64]));
        fill(bytes.expose_secret_mut())?;
        let (old, new) = (self.sessions.expose_secret(), bytes.expose_secret());
        secrets.replace(SESSIONS_BEFORE, &hex::encode(old).into())?;
        secrets.replace(SESSIONS, &hex::encode(new).into())?;
        store.system().replace_key(SESSIONS_NUMBER, &fingerprint(old), &fingerprint(new)).await?;
        Ok(secrets.remove(SESSIONS_BEFORE)?)
    }

    /// Makes a session secret that was configured anew known to the database, whatever it knew before.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn accept_session_secret(&self, store: &Store) -> Result<(), Failure> {
        Ok(store.system().set_key(SESSIONS_NUMBER, &fingerprint(self.sessions.expose_secret())).await?)
    }

    fn session_secret_before(&self, secrets: &SecretsDir) -> Result<Option<SessionKey>, Failure> {
        if self.configured {
            return Ok(None);
        }
        let Some(text) = secrets.read(SESSIONS_BEFORE)? else { return Ok(None) };
        Ok(Some(from_hex(text.expose_secret().trim_end(), || secrets.path(SESSIONS_BEFORE).display().to_string())?))
    }
}

/// The same for the runners' authority, by its public key: runners enrolled at one node connect to any.
///
/// # Errors
/// That it is not the deployment's, and what to do.
pub async fn check_authority(store: &Store, public_key: &[u8]) -> Result<(), Failure> {
    known(store, AUTHORITY, "runners-ca.key", public_key).await
}

async fn known(store: &Store, number: i64, name: &str, fingerprint: &[u8]) -> Result<(), Failure> {
    if store.system().knows_key(number, fingerprint).await? {
        return Ok(());
    }
    Err(Failure::new(format!(
        "secrets/{name} is not the key that this database works with. All nodes of a deployment need the same folder \
         data/secrets: copy it from the node that was there first, and keep its mode (cp -a). Nothing was changed."
    )))
}

/// What a secret key is recognized by, and cannot be found from.
fn fingerprint(key: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, b"castellan key fingerprint").as_ref().to_vec()
}

//! Shared deployment keys (A-04, D-12): the database stores fingerprints of the keys that it was first opened with.

use super::{
    CHECKPOINTS_FILE, GRANTS_FILE, KeyChain, Keys, MASTER_FILE, PREVIOUS_SESSIONS_FILE, SESSIONS_FILE, SecretsDir,
    SessionKey, fill, from_hex,
};
use crate::failure::Failure;
use aws_lc_rs::hmac;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox};
use std::{collections::BTreeMap, path::Path};
use store::Store;

/// Number of the runner CA key in the database; lower numbers are in [`Keys::check_with`].
const AUTHORITY_KEY_NUMBER: i64 = 5;

const GRANT_KEY_NUMBER: i64 = 2;
const CHECKPOINT_KEY_NUMBER: i64 = 3;
const SESSION_KEY_NUMBER: i64 = 4;

impl Keys {
    /// Returns what identifies each key without revealing it, by the name of its file.
    pub fn fingerprints(&self) -> BTreeMap<String, String> {
        let of = |name: &str, bytes: &[u8]| (name.to_owned(), hex::encode(bytes));
        BTreeMap::from([
            of(MASTER_FILE, &fingerprint(self.master.expose_secret())),
            of(SESSIONS_FILE, &fingerprint(self.sessions.expose_secret())),
            of(GRANTS_FILE, &self.grants.public_key()),
            of(CHECKPOINTS_FILE, &self.checkpoints.public_key()),
        ])
    }

    /// Returns a short name of the deployment, which the rotation of keys does not change: the beginning of the fingerprint of the master key.
    pub fn deployment_fingerprint(&self) -> String {
        hex::encode(fingerprint(self.master.expose_secret()).get(..6).unwrap_or_default())
    }

    /// Returns the first key that is neither the one with the known fingerprint nor a successor of it. The session secret need not be
    /// the same: it only derives new identifiers.
    pub fn first_other(&self, known: &BTreeMap<String, String>) -> Option<&'static str> {
        let is_master = known.get(MASTER_FILE) == Some(&hex::encode(fingerprint(self.master.expose_secret())));
        let is_in = |chain: &KeyChain, name: &str| {
            let mut keys = [chain.public_key()].into_iter().chain(chain.retired());
            keys.any(|key| known.get(name) == Some(&hex::encode(key)))
        };
        let checks = [
            (MASTER_FILE, is_master),
            (GRANTS_FILE, is_in(&self.grants, GRANTS_FILE)),
            (CHECKPOINTS_FILE, is_in(&self.checkpoints, CHECKPOINTS_FILE)),
        ];
        checks.into_iter().find_map(|(name, is_known)| (!is_known).then_some(name))
    }

    /// Compares the keys with the fingerprints in the database; the first start stores them.
    ///
    /// With a different grant key, runners would reject assignments of this node; with a different checkpoint key, the audit log
    /// would not verify; with a different session key, nodes would give one session different IDs.
    ///
    /// # Errors
    /// Fails with the name of the mismatching key and what to do.
    pub async fn check_with(&self, store: &Store, secrets: &SecretsDir) -> Result<(), Failure> {
        let chains: [(i64, &str, &KeyChain); 2] = [
            (GRANT_KEY_NUMBER, GRANTS_FILE, &self.grants),
            (CHECKPOINT_KEY_NUMBER, CHECKPOINTS_FILE, &self.checkpoints),
        ];
        for (number, name, chain) in chains {
            // The database still knows a previous key after a rotation.
            for succession in chain.successions() {
                store.system().replace_key(number, &succession.old, &chain.public_key()).await?;
            }
            check_known(store, number, name, &chain.public_key()).await?;
        }
        let own = fingerprint(self.sessions.expose_secret());
        // An interrupted rotation: the file is new, but the database knows the previous secret.
        if let Some(previous) = self.previous_session_secret(secrets)? {
            store.system().replace_key(SESSION_KEY_NUMBER, &fingerprint(previous.expose_secret()), &own).await?;
            secrets.remove(PREVIOUS_SESSIONS_FILE)?;
        }
        match check_known(store, SESSION_KEY_NUMBER, SESSIONS_FILE, &own).await {
            Err(_) if self.configured => Err(Failure::new(
                "CASTELLAN_SESSION_SECRET does not match this database. All nodes of a deployment need the same secret. \
                 If you changed it on purpose, run: castellan admin rotate-session-secret",
            )),
            checked => checked,
        }
    }

    /// Replaces the session secret in its file and in the database. Sessions stay valid: they are found by hashes of their
    /// identifiers, and the secret only derives new ones.
    ///
    /// # Errors
    /// Fails if the secret cannot be generated, written or stored; the next start completes the rotation.
    pub async fn rotate_session_secret(&self, store: &Store, secrets: &SecretsDir) -> Result<(), Failure> {
        let mut bytes = SecretBox::new(Box::new([0_u8; 64]));
        fill(bytes.expose_secret_mut())?;
        let (old, new) = (self.sessions.expose_secret(), bytes.expose_secret());
        secrets.replace(PREVIOUS_SESSIONS_FILE, &hex::encode(old).into())?;
        secrets.replace(SESSIONS_FILE, &hex::encode(new).into())?;
        store.system().replace_key(SESSION_KEY_NUMBER, &fingerprint(old), &fingerprint(new)).await?;
        Ok(secrets.remove(PREVIOUS_SESSIONS_FILE)?)
    }

    /// Stores the fingerprint of a changed session secret from the environment.
    ///
    /// # Errors
    /// Fails on a database error.
    pub async fn accept_session_secret(&self, store: &Store) -> Result<(), Failure> {
        Ok(store.system().set_key(SESSION_KEY_NUMBER, &fingerprint(self.sessions.expose_secret())).await?)
    }

    fn previous_session_secret(&self, secrets: &SecretsDir) -> Result<Option<SessionKey>, Failure> {
        if self.configured {
            return Ok(None);
        }
        let Some(text) = secrets.read(PREVIOUS_SESSIONS_FILE)? else { return Ok(None) };
        Ok(Some(from_hex(text.expose_secret().trim_end(), || {
            secrets.path(PREVIOUS_SESSIONS_FILE).display().to_string()
        })?))
    }
}

/// Opens the secrets directory for the key of the runner CA, which is created at the first start of a server only.
///
/// # Errors
/// Fails like [`SecretsDir::open_or_create`], and on a database error.
pub async fn authority_dir(store: &Store, path: &Path) -> Result<SecretsDir, Failure> {
    Ok(match has_authority(store).await? {
        true => SecretsDir::open(path)?,
        false => SecretsDir::open_or_create(path)?,
    })
}

/// Returns whether the database belongs to a deployment that has a runner CA.
///
/// # Errors
/// Fails on a database error.
pub async fn has_authority(store: &Store) -> Result<bool, Failure> {
    Ok(store.system().has_key(AUTHORITY_KEY_NUMBER).await?)
}

/// Checks the key of the runner CA: runners that enrolled at one node can connect to any.
///
/// # Errors
/// Fails if the key does not belong to this deployment.
pub async fn check_authority(store: &Store, public_key: &[u8]) -> Result<(), Failure> {
    check_known(store, AUTHORITY_KEY_NUMBER, "runners-ca.key", public_key).await
}

async fn check_known(store: &Store, number: i64, name: &str, fingerprint: &[u8]) -> Result<(), Failure> {
    if store.system().knows_key(number, fingerprint).await? {
        return Ok(());
    }
    Err(Failure::new(format!(
        "secrets/{name} does not match this database. All nodes of a deployment need the same data/secrets directory: copy it \
         from the first node and preserve the file modes (cp -a). Nothing was changed."
    )))
}

/// Returns a fingerprint that identifies a secret key without revealing it.
fn fingerprint(key: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, b"castellan key fingerprint").as_ref().to_vec()
}

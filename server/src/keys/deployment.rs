//! The keys that all nodes of a deployment share (A-04, D-12): what the database was first opened with counts.

use aws_lc_rs::hmac;
use secrecy::ExposeSecret;
use store::Store;

use super::Keys;
use crate::failure::Failure;

/// Under this number the database knows the runners' authority; those before it are in [`Keys::check_with`].
const AUTHORITY: i64 = 5;

impl Keys {
    /// Compares these keys with those that the database knows; the first start makes them known.
    ///
    /// With another grant key a runner would refuse what this node assigns, with another checkpoint key the audit log
    /// would not verify, with another session key two nodes would give one session two different ids.
    ///
    /// # Errors
    /// Which key is not the deployment's, and what to do.
    pub async fn check_with(&self, store: &Store) -> Result<(), Failure> {
        let shared = [
            ("grants.pem", self.grants.public_key().to_vec()),
            ("checkpoints.pem", self.checkpoints.public_key().to_vec()),
            ("sessions.key", fingerprint(self.sessions.expose_secret())),
        ];
        for (number, (name, fingerprint)) in (2..).zip(shared) {
            known(store, number, name, &fingerprint).await?;
        }
        Ok(())
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

/// What a secret key is recognised by, and cannot be found from.
fn fingerprint(key: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, b"castellan key fingerprint").as_ref().to_vec()
}

//! Encryption at rest with AES-256-GCM: the master key wraps tenant keys, which encrypt records (M-06).
use crate::{Error, Result, db::random::random};
use aes_gcm::{
    Aes256Gcm, Key, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use secrecy::{ExposeSecret, SecretBox};

/// The 256-bit master key.
#[derive(Debug)]
pub struct MasterKey(SecretBox<[u8; 32]>);

impl MasterKey {
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(SecretBox::new(Box::new(bytes)))
    }

    /// Encrypts `plain`, bound to `place` (`tenant/table/column/row/version`) as associated data.
    pub(crate) fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let nonce: [u8; 12] = random()?;
        let sealed = self
            .cipher()
            .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: place.as_bytes() })
            .map_err(|_| Error::Corrupt("cannot be sealed"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts the result of [`MasterKey::seal`].
    pub(crate) fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let wrong = || Error::Corrupt("does not open with this key");
        let (nonce, body) = sealed.split_first_chunk::<12>().ok_or_else(wrong)?;
        let payload = Payload { msg: body, aad: place.as_bytes() };
        self.cipher().decrypt(&Nonce::from(*nonce), payload).map_err(|_| wrong())
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(&Key::<Aes256Gcm>::from(*self.0.expose_secret()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m_06_a_ciphertext_opens_only_with_its_key_and_place() {
        let (key, other) = (MasterKey::new([1; 32]), MasterKey::new([2; 32]));
        let sealed = key.seal("a/b/c/d/1", b"secret").unwrap();
        assert_eq!(key.open("a/b/c/d/1", &sealed).unwrap(), b"secret");
        assert!(other.open("a/b/c/d/1", &sealed).is_err());
        assert!(key.open("a/b/c/e/1", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open("a/b/c/d/1", &changed).is_err());
        }
        assert!(!format!("{key:?}").contains('1'));
    }
}

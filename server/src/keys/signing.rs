//! Ed25519 signing keys for consent, grants and checkpoints.

use super::KeyError;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use rcgen::PKCS_ED25519;
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use secrecy::SecretString;
use std::{fmt, path::Path};

/// Private Ed25519 key, stored as PKCS #8 in PEM format.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// Returns a new key in PEM format.
    pub(super) fn generate() -> Result<SecretString, KeyError> {
        rcgen::KeyPair::generate_for(&PKCS_ED25519)
            .map(|key| SecretString::from(key.serialize_pem()))
            .map_err(|error| KeyError::System(format!("the key could not be generated: {error}")))
    }

    /// Reads a key that is in `file`.
    pub(super) fn from_pem(pem: &str, file: &Path) -> Result<Self, KeyError> {
        let malformed = || KeyError::Malformed {
            place: file.display().to_string(),
            expected: "an Ed25519 private key (PKCS #8, PEM)",
        };
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| malformed())?;
        Ed25519KeyPair::from_pkcs8(der.secret_pkcs8_der()).map(Self).map_err(|_| malformed())
    }

    /// Signs `message` (RFC 8032).
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        // An Ed25519 signature always has 64 bytes; all zeros would never verify.
        if let Ok(bytes) = self.0.sign(message).as_ref().try_into() {
            signature = bytes;
        }
        signature
    }

    /// Returns the public key.
    pub fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().unwrap_or_default()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SigningKey({}, [REDACTED])", hex::encode(self.public_key()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
    use secrecy::ExposeSecret;

    #[test]
    fn signatures_verify_with_the_public_key() {
        let pem = SigningKey::generate().unwrap();
        let key = SigningKey::from_pem(pem.expose_secret(), Path::new("grants.pem")).unwrap();
        let public = UnparsedPublicKey::new(&ED25519, key.public_key());
        public.verify(b"message", &key.sign(b"message")).unwrap();
        assert!(public.verify(b"massage", &key.sign(b"message")).is_err());
    }
}

//! Public keys of the server, pinned at enrollment.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use domain::{
    Invalid,
    grant::Grant,
    succession::{Succession, successors},
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// An Ed25519 public key; 64 hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PinnedKey(pub [u8; 32]);

impl PinnedKey {
    /// Reads a grant and checks its signature (RFC 8032).
    ///
    /// # Errors
    /// Fails if the bytes are not a grant in its canonical form, or this key's owner did not sign it.
    pub fn open(&self, grant: &[u8], signature: &[u8]) -> Result<Grant, Invalid> {
        let grant = Grant::read(grant)?;
        match self.verifies(&grant.signed_bytes(), signature) {
            true => Ok(grant),
            false => Err(Invalid::new("grant", "is not signed by the server")),
        }
    }

    /// Returns this key and its successors for a purpose, oldest first. Lines that no accepted key signed lead to nothing.
    pub fn with_successors(self, purpose: &str, lines: &[String]) -> Vec<Self> {
        let successions: Vec<_> = lines.iter().filter_map(|line| Succession::parse(line).ok()).collect();
        let keys = successors(purpose, self.0, &successions, |key, message, signature| {
            Self(*key).verifies(message, signature)
        });
        keys.into_iter().map(Self).collect()
    }

    /// Returns whether this key's owner signed the message (Ed25519, RFC 8032).
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

impl FromStr for PinnedKey {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)
            .map(|()| Self(bytes))
            .map_err(|_| Invalid::new("public_key", "must be 64 hexadecimal digits"))
    }
}

impl TryFrom<String> for PinnedKey {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<PinnedKey> for String {
    fn from(key: PinnedKey) -> Self {
        hex::encode(key.0)
    }
}

impl fmt::Debug for PinnedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PinnedKey({})", hex::encode(self.0))
    }
}

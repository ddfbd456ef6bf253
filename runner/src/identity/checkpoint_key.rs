//! Public key for checkpoints of the audit log, pinned at enrollment.

use super::GrantKey;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use domain::{
    Invalid,
    succession::{CHECKPOINTS, Succession, successors},
};
use serde::{Deserialize, Serialize};

/// An Ed25519 public key; 64 hexadecimal digits as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CheckpointKey(pub [u8; 32]);

impl CheckpointKey {
    /// Returns this key and its successors, oldest first. Lines that no accepted key signed lead to nothing.
    pub fn with_successors(self, lines: &[String]) -> Vec<Self> {
        let successions: Vec<_> = lines.iter().filter_map(|line| Succession::parse(line).ok()).collect();
        let keys = successors(CHECKPOINTS, self.0, &successions, |key, message, signature| {
            Self(*key).verifies(message, signature)
        });
        keys.into_iter().map(Self).collect()
    }

    /// Verifies a signature by this key (RFC 8032).
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

impl TryFrom<String> for CheckpointKey {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        let key: Result<GrantKey, Invalid> = text.parse();
        key.map(|key| Self(key.0)).map_err(|error| Invalid::new("checkpoint_public_key", error.reason))
    }
}

impl From<CheckpointKey> for String {
    fn from(key: CheckpointKey) -> Self {
        hex::encode(key.0)
    }
}

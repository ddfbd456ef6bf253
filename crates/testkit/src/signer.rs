//! Signing key of test deployments.
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use domain::consent::Signer;
use std::sync::Arc;

/// A key and the keys that it replaced.
struct TestKey(Ed25519KeyPair, Vec<Ed25519KeyPair>);

impl Signer for TestKey {
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).as_ref().try_into().unwrap()
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        verifies(&self.0, message, signature)
    }

    fn verifies_retired(&self, message: &[u8], signature: &[u8]) -> bool {
        self.1.iter().any(|key| verifies(key, message, signature))
    }
}

/// Returns the Ed25519 key of this seed.
pub fn signer(seed: u8) -> Arc<dyn Signer> {
    successor(seed, &[])
}

/// Returns the Ed25519 key of this seed, which replaced those of other seeds.
pub fn successor(seed: u8, retired: &[u8]) -> Arc<dyn Signer> {
    Arc::new(TestKey(key(seed), retired.iter().copied().map(key).collect()))
}

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn verifies(key: &Ed25519KeyPair, message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, key.public_key().as_ref()).verify(message, signature).is_ok()
}

//! Signing key of test deployments.
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use domain::consent::Signer;
use std::sync::Arc;

struct TestKey(Ed25519KeyPair);

impl Signer for TestKey {
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).as_ref().try_into().unwrap()
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0.public_key().as_ref()).verify(message, signature).is_ok()
    }
}

/// Returns the Ed25519 key of this seed.
pub fn signer(seed: u8) -> Arc<dyn Signer> {
    Arc::new(TestKey(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()))
}

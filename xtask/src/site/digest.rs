//! Digests of content, as they stand in file names.

use sha2::{Digest, Sha256};

/// The first 64 bits of SHA-256 in hexadecimal: enough to tell versions of our own files apart.
pub fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let mut text = hex::encode(hash.finalize());
    text.truncate(16);
    text
}

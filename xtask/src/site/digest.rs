//! Digests of file contents, used in file names.

use sha2::{Digest, Sha256};

/// Returns the first 64 bits of SHA-256 in hexadecimal, which is enough to distinguish versions of the same file.
pub fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let mut text = hex::encode(hash.finalize());
    text.truncate(16);
    text
}

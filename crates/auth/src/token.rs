//! Tokens: random secrets that are shown once, of which only a hash is stored.
use crate::Error;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// A random secret of letters, digits, `_` and `-`, so that links and shells need no quoting (CVE-2022-36633).
#[derive(Clone)]
pub struct Token {
    /// The secret itself, shown once.
    pub text: String,
    /// SHA-256 of the whole text, which is stored.
    pub hash: [u8; 32],
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

/// The prefix of API keys (M-01).
pub const KEY_PREFIX: &str = "mk_";

/// Characters of a key that lists show.
pub const DISPLAYED_KEY_LENGTH: usize = KEY_PREFIX.len() + 8;

impl Token {
    /// Generates `prefix` and 48 random characters (288 bits).
    ///
    /// # Errors
    /// Fails with [`Error::NoRandomness`].
    pub fn new(prefix: &str) -> Result<Self, Error> {
        let random = random::<36>()?;
        Ok(Self::of(format!("{prefix}{}", BASE64_URL_SAFE_NO_PAD.encode(random))))
    }

    /// Returns the token of a text that a client presents.
    pub fn of(text: String) -> Self {
        let hash = Sha256::digest(text.as_bytes()).into();
        Self { text, hash }
    }

    /// Returns the first characters, to recognize the token by: too few to guess the rest.
    pub fn shown(&self) -> &str {
        self.text.get(..DISPLAYED_KEY_LENGTH).unwrap_or_default()
    }
}

/// Returns random bytes from the operating system.
///
/// # Errors
/// Fails with [`Error::NoRandomness`].
pub fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut random = [0; N];
    getrandom::fill(&mut random).map_err(|error| {
        tracing::error!(%error, "the operating system returned no random bytes");
        Error::NoRandomness
    })?;
    Ok(random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m_01_a_key_is_mk_and_48_characters_without_quoting() {
        let key = Token::new(KEY_PREFIX).unwrap();
        assert_eq!(key.text.len(), 51);
        assert!(key.text.starts_with("mk_") && key.text.starts_with(key.shown()) && key.shown().len() == 11);
        assert!(key.text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
        assert_ne!(key.text, Token::new(KEY_PREFIX).unwrap().text);
        assert_eq!(Token::of(key.text.clone()).hash, key.hash);
        assert!(!format!("{key:?}").contains(key.shown()));
    }
}

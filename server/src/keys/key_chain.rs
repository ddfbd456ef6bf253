//! Key chain: a signing key, and the keys before it, of which each signed its successor.

use super::{KeyError, SecretsDir, SigningKey};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use domain::{
    consent::Signer,
    succession::{PublicKey, Succession, successors},
};
use secrecy::{ExposeSecret, SecretString};

/// Maximum number of rotations, so that the file and the greeting of runners stay small.
const MAX_SUCCESSIONS: usize = 150;

/// The line of a file after a rotation until the statements of the keys before are signed again.
const UNFINISHED: &str = "unfinished";

/// The private key in PEM format, followed by a line for each succession in the same file, so that a rotation is one replacement.
#[derive(Debug)]
pub struct KeyChain {
    file: &'static str,
    /// What the keys sign, in successions.
    purpose: &'static str,
    current: SigningKey,
    successions: Vec<Succession>,
    is_unfinished: bool,
}

impl KeyChain {
    pub(super) fn open_or_create(
        dir: &SecretsDir,
        file: &'static str,
        purpose: &'static str,
    ) -> Result<Self, KeyError> {
        let text = dir.read_or_create(file, SigningKey::generate)?;
        Self::parse(text.expose_secret(), dir, file, purpose)
    }

    fn parse(text: &str, dir: &SecretsDir, file: &'static str, purpose: &'static str) -> Result<Self, KeyError> {
        let malformed = || KeyError::Malformed {
            place: dir.path(file).display().to_string(),
            expected: "an Ed25519 private key (PKCS #8, PEM) with the successions that lead to it",
        };
        let current = SigningKey::from_pem(text, &dir.path(file))?;
        let lines = text.lines().filter(|line| line.starts_with("succession"));
        let successions: Vec<_> = lines.map(Succession::parse).collect::<Result<_, _>>().map_err(|_| malformed())?;
        let first = successions.first().map_or(current.public_key(), |succession| succession.old);
        let keys = successors(purpose, first, &successions, verifies);
        if keys.len() != successions.len() + 1 || keys.last() != Some(&current.public_key()) {
            return Err(malformed());
        }
        let is_unfinished = text.lines().any(|line| line == UNFINISHED);
        Ok(Self { file, purpose, current, successions, is_unfinished })
    }

    /// Replaces the key by a new one that the present one signs. With `is_unfinished`, the file says that statements of the keys
    /// before have to be signed again.
    ///
    /// # Errors
    /// Fails if the file cannot be written, has another key by now, or has too many successions.
    pub fn rotate(&self, dir: &SecretsDir, is_unfinished: bool) -> Result<(), KeyError> {
        if self.successions.len() >= MAX_SUCCESSIONS {
            let text = format!("{} was replaced {MAX_SUCCESSIONS} times, which is the limit", self.file);
            return Err(KeyError::System(text));
        }
        let pem = SigningKey::generate()?;
        let new = SigningKey::from_pem(pem.expose_secret(), &dir.path(self.file))?.public_key();
        let old = self.public_key();
        let signature = self.current.sign(&Succession::signed_bytes(self.purpose, &old, &new)).to_vec();
        let mut text = format!("{}\n", pem.expose_secret().trim_end());
        for succession in self.successions.iter().chain([&Succession { old, new, signature }]) {
            text.push_str(&format!("{}\n", succession.line()));
        }
        if is_unfinished {
            text.push_str(&format!("{UNFINISHED}\n"));
        }
        let is_replaced = dir.edit(self.file, |present| {
            let is_same = Self::parse(present, dir, self.file, self.purpose)?.public_key() == old;
            Ok(is_same.then(|| SecretString::from(text)))
        })?;
        match is_replaced {
            true => Ok(()),
            false => Err(KeyError::System(format!("{} was replaced in the meantime; try again", self.file))),
        }
    }

    /// Returns whether statements of the keys before have to be signed again.
    pub fn is_unfinished(&self) -> bool {
        self.is_unfinished
    }

    /// Notes in the file that the statements of the keys before are signed again, unless the key was replaced in the meantime.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn finish(&self, dir: &SecretsDir) -> Result<(), KeyError> {
        dir.edit(self.file, |present| {
            let is_same = Self::parse(present, dir, self.file, self.purpose)?.public_key() == self.public_key();
            let finished = || present.lines().filter(|line| *line != UNFINISHED).map(|line| format!("{line}\n"));
            Ok(is_same.then(|| SecretString::from(finished().collect::<String>())))
        })
        .map(drop)
    }

    /// Signs `message` (RFC 8032).
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.current.sign(message)
    }

    /// Returns the present public key.
    pub fn public_key(&self) -> PublicKey {
        self.current.public_key()
    }

    /// Returns the successions, oldest first.
    pub fn successions(&self) -> &[Succession] {
        &self.successions
    }

    /// Returns the public keys that were replaced, newest first.
    pub fn retired(&self) -> impl Iterator<Item = PublicKey> {
        self.successions.iter().rev().map(|succession| succession.old)
    }
}

impl Signer for KeyChain {
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.current.sign(message)
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        verifies(&self.public_key(), message, signature)
    }

    fn verifies_retired(&self, message: &[u8], signature: &[u8]) -> bool {
        self.retired().any(|key| verifies(&key, message, signature))
    }
}

/// Verifies a signature (RFC 8032).
pub(super) fn verifies(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::succession::{CHECKPOINTS, GRANTS};
    use std::fs;

    const FILE: &str = "grants.pem";

    fn chain(dir: &SecretsDir) -> Result<KeyChain, KeyError> {
        KeyChain::open_or_create(dir, FILE, GRANTS)
    }

    fn fresh() -> (tempfile::TempDir, SecretsDir) {
        let data = tempfile::tempdir().unwrap();
        let dir = SecretsDir::open_or_create(&data.path().join("secrets")).unwrap();
        (data, dir)
    }

    #[test]
    fn x1_after_rotations_the_keys_before_are_retired() {
        let (_data, dir) = fresh();
        let mut signatures = vec![];
        for rotations in 0..4 {
            let keys = chain(&dir).unwrap();
            assert_eq!((keys.successions().len(), keys.is_unfinished()), (rotations, rotations > 0));
            signatures.push(keys.sign(b"message"));
            let (last, before) = signatures.split_last().unwrap();
            assert!(keys.verifies(b"message", last) && !keys.verifies_retired(b"message", last));
            for retired in before {
                assert!(!keys.verifies(b"message", retired) && keys.verifies_retired(b"message", retired));
                assert!(!keys.verifies_retired(b"massage", retired));
            }
            keys.rotate(&dir, true).unwrap();
        }
        let keys = chain(&dir).unwrap();
        keys.finish(&dir).unwrap();
        assert!(!chain(&dir).unwrap().is_unfinished());
        assert_eq!(chain(&dir).unwrap().public_key(), keys.public_key());
    }

    /// Two commands at once, or a rotation while a server finishes the one before.
    #[test]
    fn x1_a_key_that_was_replaced_in_the_meantime_is_not_replaced_again() {
        let (_data, dir) = fresh();
        let keys = chain(&dir).unwrap();
        keys.rotate(&dir, true).unwrap();
        let second = chain(&dir).unwrap();
        assert!(keys.rotate(&dir, true).unwrap_err().to_string().contains("in the meantime"));
        keys.finish(&dir).unwrap();
        assert!(chain(&dir).unwrap().is_unfinished(), "the key that it belongs to did not finish");
        assert_eq!(chain(&dir).unwrap().public_key(), second.public_key());
    }

    #[test]
    fn x1_rotations_are_limited_before_the_file_becomes_unreadable() {
        let (_data, dir) = fresh();
        for _ in 0..MAX_SUCCESSIONS {
            chain(&dir).unwrap().rotate(&dir, true).unwrap();
        }
        let last = chain(&dir).unwrap();
        assert!(last.rotate(&dir, true).unwrap_err().to_string().contains("limit"));
        assert_eq!(chain(&dir).unwrap().public_key(), last.public_key());
    }

    #[test]
    fn x5_a_succession_that_no_key_signed_is_an_error() {
        let (_data, dir) = fresh();
        chain(&dir).unwrap().rotate(&dir, false).unwrap();
        let text = fs::read_to_string(dir.path(FILE)).unwrap();
        let line = text.lines().last().unwrap();
        let forged = Succession { old: [1; 32], ..Succession::parse(line).unwrap() };
        for wrong in [text.replace(line, &forged.line()), format!("{text}{line}\n"), text.replace(line, "succession x")]
        {
            fs::write(dir.path(FILE), wrong).unwrap();
            let error = chain(&dir).unwrap_err().to_string();
            assert!(error.contains("grants.pem") && error.contains("successions"), "{error}");
        }
        fs::write(dir.path(FILE), &text).unwrap();
        assert!(KeyChain::open_or_create(&dir, FILE, CHECKPOINTS).is_err(), "signed for another purpose");
    }
}

//! Checkpoint keys: the key that signs checkpoints of the audit log, and those before it, of which each signed its successor.

use super::{KeyError, SecretsDir, SigningKey};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use domain::{
    checkpoint::Checkpoint,
    succession::{PublicKey, Succession, successors},
};
use secrecy::{ExposeSecret, SecretString};

const FILE: &str = "checkpoints.pem";

/// What the keys sign, in successions.
const PURPOSE: &str = "checkpoints";

/// The private key in PEM format, followed by a line for each succession in the same file, so that a rotation is one replacement.
#[derive(Debug)]
pub struct CheckpointKeys {
    current: SigningKey,
    successions: Vec<Succession>,
}

/// A signature that was found by its key id and is not verified yet.
#[derive(Clone, Debug)]
pub struct NoteSignature {
    key: PublicKey,
    bytes: Vec<u8>,
}

impl CheckpointKeys {
    pub(super) fn open_or_create(dir: &SecretsDir) -> Result<Self, KeyError> {
        let text = dir.read_or_create(FILE, SigningKey::generate)?;
        let text = text.expose_secret();
        let malformed = || KeyError::Malformed {
            place: dir.path(FILE).display().to_string(),
            expected: "an Ed25519 private key (PKCS #8, PEM) with the successions that lead to it",
        };
        let current = SigningKey::from_pem(text, &dir.path(FILE))?;
        let lines = text.lines().filter(|line| line.starts_with("succession"));
        let successions: Vec<_> = lines.map(Succession::parse).collect::<Result<_, _>>().map_err(|_| malformed())?;
        let first = successions.first().map_or(current.public_key(), |succession| succession.old);
        let keys = successors(PURPOSE, first, &successions, verifies);
        if keys.len() != successions.len() + 1 || keys.last() != Some(&current.public_key()) {
            return Err(malformed());
        }
        Ok(Self { current, successions })
    }

    /// Replaces the key by a new one that the present one signs.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn rotate(&self, dir: &SecretsDir) -> Result<(), KeyError> {
        let pem = SigningKey::generate()?;
        let new = SigningKey::from_pem(pem.expose_secret(), &dir.path(FILE))?.public_key();
        let old = self.public_key();
        let signature = self.sign(&Succession::signed_bytes(PURPOSE, &old, &new)).to_vec();
        let mut text = format!("{}\n", pem.expose_secret().trim_end());
        for succession in self.successions.iter().chain([&Succession { old, new, signature }]) {
            text.push_str(&format!("{}\n", succession.line()));
        }
        dir.replace(FILE, &SecretString::from(text))
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

    /// Reads a note of any of the keys.
    pub fn read(&self, note: &str) -> Option<(Checkpoint, NoteSignature)> {
        let previous = self.successions.iter().rev().map(|succession| succession.old);
        let mut keys = [self.public_key()].into_iter().chain(previous);
        keys.find_map(|key| {
            let (checkpoint, bytes) = Checkpoint::read(note, &key).ok()?;
            Some((checkpoint, NoteSignature { key, bytes }))
        })
    }

    /// Verifies the signature of a checkpoint.
    pub fn verifies(&self, checkpoint: &Checkpoint, signature: &NoteSignature) -> bool {
        verifies(&signature.key, checkpoint.text().as_bytes(), &signature.bytes)
    }
}

fn verifies(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::TenantId;
    use std::fs;

    fn note(keys: &CheckpointKeys, size: i64) -> String {
        let checkpoint = Checkpoint::new(TenantId(uuid::Uuid::nil()), size, [3; 32]);
        checkpoint.note(&keys.public_key(), &keys.sign(checkpoint.text().as_bytes()))
    }

    #[test]
    fn x5_notes_of_all_keys_are_accepted_after_rotations() {
        let data = tempfile::tempdir().unwrap();
        let dir = SecretsDir::open_or_create(&data.path().join("secrets")).unwrap();
        let mut notes = vec![];
        for size in 1..5 {
            let keys = CheckpointKeys::open_or_create(&dir).unwrap();
            notes.push(note(&keys, size));
            for note in &notes {
                let (checkpoint, signature) = keys.read(note).unwrap();
                assert!(keys.verifies(&checkpoint, &signature));
            }
            keys.rotate(&dir).unwrap();
        }
        let keys = CheckpointKeys::open_or_create(&dir).unwrap();
        assert_eq!(keys.successions().len(), 4);
        let other = SecretsDir::open_or_create(&data.path().join("other")).unwrap();
        assert!(CheckpointKeys::open_or_create(&other).unwrap().read(&notes[0]).is_none());
    }

    #[test]
    fn x5_a_succession_that_no_key_signed_is_an_error() {
        let data = tempfile::tempdir().unwrap();
        let dir = SecretsDir::open_or_create(&data.path().join("secrets")).unwrap();
        CheckpointKeys::open_or_create(&dir).unwrap().rotate(&dir).unwrap();
        let text = fs::read_to_string(dir.path(FILE)).unwrap();
        let line = text.lines().last().unwrap();
        let forged = Succession { old: [1; 32], ..Succession::parse(line).unwrap() };
        for wrong in [text.replace(line, &forged.line()), format!("{text}{line}\n"), text.replace(line, "succession x")]
        {
            fs::write(dir.path(FILE), wrong).unwrap();
            let error = CheckpointKeys::open_or_create(&dir).unwrap_err().to_string();
            assert!(error.contains("checkpoints.pem") && error.contains("successions"), "{error}");
        }
    }
}

//! Checkpoint keys: they sign checkpoints of the audit log, and verify those of the keys that they replaced.

use super::{
    CHECKPOINTS_FILE, KeyError, SecretsDir,
    key_chain::{KeyChain, verifies},
};
use domain::{
    checkpoint::Checkpoint,
    compaction::Compaction,
    succession::{CHECKPOINTS, PublicKey},
};
use std::ops::Deref;

/// The key chain of checkpoints.
#[derive(Debug)]
pub struct CheckpointKeys(KeyChain);

/// A signature that was found by its key id and is not verified yet.
#[derive(Clone, Debug)]
pub struct NoteSignature {
    key: PublicKey,
    bytes: Vec<u8>,
}

impl Deref for CheckpointKeys {
    type Target = KeyChain;
    fn deref(&self) -> &KeyChain {
        &self.0
    }
}

impl CheckpointKeys {
    pub(super) fn open_or_create(dir: &SecretsDir) -> Result<Self, KeyError> {
        KeyChain::open_or_create(dir, CHECKPOINTS_FILE, CHECKPOINTS).map(Self)
    }

    /// Returns the note of a checkpoint, signed by the current key.
    pub fn note(&self, checkpoint: &Checkpoint) -> String {
        checkpoint.note(&self.public_key(), &self.sign(checkpoint.text().as_bytes()))
    }

    /// Returns whether the current key, and no former one, is named by a note.
    pub fn is_current(&self, note: &str) -> bool {
        Checkpoint::read(note, &self.public_key()).is_ok()
    }

    /// Reads a note of any of the keys.
    pub fn read(&self, note: &str) -> Option<(Checkpoint, NoteSignature)> {
        let mut keys = [self.public_key()].into_iter().chain(self.retired());
        keys.find_map(|key| {
            let (checkpoint, bytes) = Checkpoint::read(note, &key).ok()?;
            Some((checkpoint, NoteSignature { key, bytes }))
        })
    }

    /// Reads the note of a compaction that one of the keys signed.
    pub fn read_compaction(&self, note: &str) -> Option<Compaction> {
        let mut keys = [self.public_key()].into_iter().chain(self.retired());
        keys.find_map(|key| {
            let (compaction, signature) = Compaction::read(note, &key).ok()?;
            verifies(&key, compaction.text().as_bytes(), &signature).then_some(compaction)
        })
    }

    /// Verifies the signature of a checkpoint.
    pub fn verifies_note(&self, checkpoint: &Checkpoint, signature: &NoteSignature) -> bool {
        verifies(&signature.key, checkpoint.text().as_bytes(), &signature.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::TenantId;

    #[test]
    fn x5_notes_of_all_keys_are_accepted_after_rotations() {
        let data = tempfile::tempdir().unwrap();
        let dir = SecretsDir::open_or_create(&data.path().join("secrets")).unwrap();
        let mut notes = vec![];
        for size in 1..5 {
            let keys = CheckpointKeys::open_or_create(&dir).unwrap();
            notes.push(keys.note(&Checkpoint::new(TenantId(uuid::Uuid::nil()), size, [3; 32])));
            for note in &notes {
                let (checkpoint, signature) = keys.read(note).unwrap();
                assert!(keys.verifies_note(&checkpoint, &signature));
                assert_eq!(keys.is_current(note), Some(note) == notes.last());
                assert!(keys.is_current(&keys.note(&checkpoint)), "it is signed again by the current key");
            }
            keys.rotate(&dir, false).unwrap();
        }
        let keys = CheckpointKeys::open_or_create(&dir).unwrap();
        assert_eq!(keys.successions().len(), 4);
        let other = SecretsDir::open_or_create(&data.path().join("other")).unwrap();
        assert!(CheckpointKeys::open_or_create(&other).unwrap().read(&notes[0]).is_none());
    }
}

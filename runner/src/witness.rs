//! Witness of the tenant's audit log: the largest signed head that this runner saw, on disk (X5). A server whose log is smaller or
//! another one is refused, because a database that was rolled back would hide what was approved and executed.

use crate::{
    folder::{Folder, FolderError},
    identity::PinnedKey,
};
use domain::{TenantId, checkpoint::Checkpoint};

const FILE: &str = "checkpoint";

/// An error of the witness.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(
        "the file checkpoint in the data folder does not contain a checkpoint of this runner's tenant; move it away"
    )]
    Malformed,
    #[error("the server sent a checkpoint of the audit log that it did not sign")]
    Unsigned,
    #[error("the server has no signed audit log, but this runner saw one with {0} events")]
    Missing(i64),
    #[error("the audit log of the server contradicts what this runner saw: {0}")]
    Contradiction(#[from] domain::checkpoint::Contradiction),
}

/// The largest head that was seen.
#[derive(Debug)]
pub struct Witness {
    /// The key that was pinned at enrollment and its successors, oldest first.
    keys: Vec<PinnedKey>,
    tenant: TenantId,
    seen: Option<Seen>,
}

/// A checkpoint that was seen.
#[derive(Debug)]
struct Seen {
    checkpoint: Checkpoint,
    note: String,
    /// The number of its key. Once a successor has signed, checkpoints of the keys before it are refused.
    key: usize,
}

impl Witness {
    /// Reads the head from the data folder; there is none before the first connection.
    ///
    /// # Errors
    /// When the file cannot be read or contains anything else.
    pub fn load(folder: &Folder, keys: Vec<PinnedKey>, tenant: TenantId) -> Result<Self, WitnessError> {
        let mut witness = Self { keys, tenant, seen: None };
        if let Some(bytes) = folder.read(FILE)? {
            let note = String::from_utf8(bytes).map_err(|_| WitnessError::Malformed)?;
            witness.seen = Some(witness.open(note).map_err(|_| WitnessError::Malformed)?);
        }
        Ok(witness)
    }

    /// Accepts the keys of a longer chain of successors; returns whether it is longer.
    pub fn accept_keys(&mut self, keys: Vec<PinnedKey>) -> bool {
        let is_longer = keys.len() > self.keys.len() && keys.starts_with(&self.keys);
        if is_longer {
            self.keys = keys;
        }
        is_longer
    }

    /// Returns the note of the head that was seen; empty if there is none.
    pub fn note(&self) -> &str {
        self.seen.as_ref().map_or("", |seen| &seen.note)
    }

    /// Compares a checkpoint of the server with the head that was seen, and stores it as the new one. An empty note is the one of
    /// a log that was never signed.
    ///
    /// # Errors
    /// When the log is smaller or another one, and no admin acknowledged that it was rolled back.
    pub fn see(&mut self, folder: &Folder, note: &str) -> Result<(), WitnessError> {
        if note.is_empty() {
            return match &self.seen {
                None => Ok(()),
                Some(seen) => Err(WitnessError::Missing(seen.checkpoint.size)),
            };
        }
        let new = self.open(note.to_owned())?;
        if let Some(seen) = &self.seen {
            if new.key < seen.key {
                return Err(WitnessError::Unsigned);
            }
            if let Some(rollback) = new.checkpoint.follows(&seen.checkpoint)? {
                tracing::warn!(
                    old = seen.checkpoint.size,
                    kept = rollback.kept,
                    new = new.checkpoint.size,
                    "an admin acknowledged that the audit log of the server was rolled back"
                );
            }
            if seen.note == new.note {
                return Ok(());
            }
        }
        folder.write(FILE, note.as_bytes())?;
        self.seen = Some(new);
        Ok(())
    }

    fn open(&self, note: String) -> Result<Seen, WitnessError> {
        let signed = self.keys.iter().enumerate().rev().find_map(|(number, key)| {
            let (checkpoint, signature) = Checkpoint::read(&note, &key.0).ok()?;
            key.verifies(checkpoint.text().as_bytes(), &signature).then_some((checkpoint, number))
        });
        let (checkpoint, key) =
            signed.filter(|(checkpoint, _)| checkpoint.tenant == self.tenant).ok_or(WitnessError::Unsigned)?;
        Ok(Seen { checkpoint, note, key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use domain::{
        checkpoint::Rollback,
        succession::{CHECKPOINTS, Succession},
    };
    use uuid::Uuid;

    const TENANT: TenantId = TenantId(Uuid::from_u128(1));

    fn server() -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap()
    }

    fn key() -> PinnedKey {
        PinnedKey(server().public_key().as_ref().try_into().unwrap())
    }

    fn signed(checkpoint: &Checkpoint) -> String {
        let signature = server().sign(checkpoint.text().as_bytes());
        checkpoint.note(&key().0, signature.as_ref())
    }

    /// Returns the hash of the event at `size` in one of two logs that differ after `fork`.
    fn head(size: i64, fork: i64, is_other: bool) -> Checkpoint {
        let branch = u8::from(is_other && size > fork);
        let mut hash = [branch; 32];
        hash[..8].copy_from_slice(&size.to_be_bytes());
        Checkpoint::new(TENANT, size, hash)
    }

    fn successor() -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap()
    }

    /// Returns the succession of the server's key, signed by `signer`.
    fn succession(signer: &Ed25519KeyPair) -> String {
        let (old, new) = (key().0, successor().public_key().as_ref().try_into().unwrap());
        let signature = signer.sign(&Succession::signed_bytes("checkpoints", &old, &new)).as_ref().to_vec();
        Succession { old, new, signature }.line()
    }

    #[test]
    fn x5_a_successor_is_accepted_only_if_the_old_key_signed_it_and_then_replaces_it() {
        let (_data, folder) = folder();
        let keys = key().with_successors(CHECKPOINTS, &[succession(&server())]);
        assert_eq!(keys.len(), 2);
        assert_eq!(key().with_successors(CHECKPOINTS, &[succession(&successor())]), [key()], "signed by itself");
        let mut witness = Witness::load(&folder, vec![key()], TENANT).unwrap();
        witness.see(&folder, &signed(&head(7, 0, false))).unwrap();
        let next = head(8, 0, false);
        let next = next.note(&keys[1].0, successor().sign(next.text().as_bytes()).as_ref());
        assert!(matches!(witness.see(&folder, &next), Err(WitnessError::Unsigned)));
        assert!(!witness.accept_keys(vec![keys[1]]) && !witness.accept_keys(vec![keys[1], key()]));
        assert!(witness.accept_keys(keys.clone()) && !witness.accept_keys(keys.clone()));
        witness.see(&folder, &next).unwrap();
        assert!(matches!(witness.see(&folder, &signed(&head(9, 0, false))), Err(WitnessError::Unsigned)));
        assert_eq!(Witness::load(&folder, keys, TENANT).unwrap().note(), next);
    }

    fn folder() -> (tempfile::TempDir, Folder) {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::open(&data.path().join("runner")).unwrap();
        (data, folder)
    }

    /// A hundred generated cases: cuts and forks of one size are refused, also after a restart, and acknowledged rollbacks are
    /// accepted.
    #[test]
    fn x5_a_runner_refuses_a_smaller_or_different_log_and_accepts_an_acknowledged_rollback() {
        for case in 0..100 {
            let (_data, folder) = folder();
            let (size, cut) = (20 + case % 30, 1 + case % 17);
            let mut witness = Witness::load(&folder, vec![key()], TENANT).unwrap();
            witness.see(&folder, "").unwrap();
            for seen in [size - 10, size - 10, size] {
                witness.see(&folder, &signed(&head(seen, 0, false))).unwrap();
            }
            if case % 2 == 0 {
                witness = Witness::load(&folder, vec![key()], TENANT).unwrap();
            }
            assert!(matches!(witness.see(&folder, ""), Err(WitnessError::Missing(seen)) if seen == size));
            let smaller = signed(&head(size - cut, 0, false));
            assert!(matches!(witness.see(&folder, &smaller), Err(WitnessError::Contradiction(_))));
            let other = signed(&head(size, size - cut, true));
            assert!(matches!(witness.see(&folder, &other), Err(WitnessError::Contradiction(_))));
            let kept = witness.note().to_owned();
            assert_eq!(kept, signed(&head(size, 0, false)), "a refused head is not stored");

            let mut restored = head(size - cut + 1, size - cut, true);
            restored.rollbacks = vec![Rollback { kept: size - cut, size, hash: head(size, 0, false).hash }];
            witness.see(&folder, &signed(&restored)).unwrap();
            let mut witness = Witness::load(&folder, vec![key()], TENANT).unwrap();
            assert_eq!(witness.note(), signed(&restored));
            assert!(witness.see(&folder, &kept).is_err(), "the log before the rollback does not return");
        }
    }

    #[test]
    fn x5_a_checkpoint_of_another_key_tenant_or_text_is_refused() {
        let (_data, folder) = folder();
        let mut witness = Witness::load(&folder, vec![key()], TENANT).unwrap();
        let good = signed(&head(7, 0, false));
        let foreign = signed(&Checkpoint { tenant: TenantId(Uuid::from_u128(2)), ..head(7, 0, false) });
        let forged = head(7, 0, false).note(&key().0, &[7; 64]);
        for note in [&foreign, &forged, &good.replace("\n7\n", "\n8\n"), &"x".to_owned()] {
            assert!(matches!(witness.see(&folder, note), Err(WitnessError::Unsigned)), "{note}");
        }
        witness.see(&folder, &good).unwrap();
        for garbage in ["", "x", forged.as_str()] {
            folder.write(FILE, garbage.as_bytes()).unwrap();
            let error = Witness::load(&folder, vec![key()], TENANT).unwrap_err();
            assert!(error.to_string().contains("move it away"), "{error}");
        }
    }
}

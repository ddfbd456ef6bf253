//! Checkpoints of the audit chain in the C2SP tlog-checkpoint format: copies that are stored elsewhere reveal a
//! truncated or forked log.
//!
//! Two extension lines follow the hash: `previous`, the hash of the note before this one in the same file, so that a file
//! that lost notes is detected; and one `rollback` for each time that an admin acknowledged that the log was rolled back, so
//! that a restored backup and a forged log can be distinguished (E19).
use crate::{Invalid, TenantId, audit::Hash};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

/// An acknowledged rollback: the log continued from an earlier event, and signed events after it were abandoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rollback {
    /// The largest signed number of events that stayed the same.
    pub kept: i64,
    /// The largest signed number of events that was abandoned.
    pub size: i64,
    /// The hash of the last abandoned event.
    pub hash: Hash,
}

/// The head of a tenant's hash chain at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub tenant: TenantId,
    /// The number of records.
    pub size: i64,
    /// The hash of the last record.
    pub hash: Hash,
    /// The hash of the note before this one in the same file; `None` for the first.
    pub previous: Option<Hash>,
    /// All acknowledged rollbacks, oldest first.
    pub rollbacks: Vec<Rollback>,
}

/// The contradiction between two signed checkpoints of one log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    #[error("two different logs with {0} events were signed")]
    Fork(i64),
    #[error("the log has {size} events, but {signed} events were signed")]
    Shorter { size: i64, signed: i64 },
}

impl Checkpoint {
    /// Returns the checkpoint of a log without rollbacks, the first of its file.
    pub const fn new(tenant: TenantId, size: i64, hash: Hash) -> Self {
        Self { tenant, size, hash, previous: None, rollbacks: vec![] }
    }

    /// Returns whether this is the later of two checkpoints: more rollbacks, or as many and more events.
    pub fn is_later_than(&self, other: &Self) -> bool {
        (self.rollbacks.len(), self.size) > (other.rollbacks.len(), other.size)
    }

    /// Returns the rollback that abandoned the end of this checkpoint's log; `None` if the log of `latest` must contain all of
    /// it.
    ///
    /// # Errors
    /// When both cannot be checkpoints of one log, not even with the acknowledged rollbacks.
    pub fn abandoned_by<'a>(&self, latest: &'a Self) -> Result<Option<&'a Rollback>, Contradiction> {
        let since = latest.rollbacks.strip_prefix(self.rollbacks.as_slice());
        let since = since.filter(|_| self.tenant == latest.tenant).ok_or(Contradiction::Fork(self.size))?;
        let abandons = |rollback: &&Rollback| rollback.kept < self.size;
        match since.iter().find(|rollback| abandons(rollback) && self.size <= rollback.size) {
            Some(rollback) => Ok(Some(rollback)),
            // More events were signed than any acknowledgment names.
            None => match since.iter().filter(abandons).map(|rollback| rollback.size).max() {
                Some(size) => Err(Contradiction::Shorter { size, signed: self.size }),
                None => Ok(None),
            },
        }
    }

    /// Returns the rollback that abandoned the end of a log that was seen before, if one did. Says nothing about a log that has
    /// grown: only its events can show that it was not rewritten.
    ///
    /// # Errors
    /// When this is not a later checkpoint of the log of `seen`.
    pub fn follows<'a>(&'a self, seen: &Self) -> Result<Option<&'a Rollback>, Contradiction> {
        let rollback = seen.abandoned_by(self)?;
        if rollback.is_none() && self.size < seen.size {
            return Err(Contradiction::Shorter { size: self.size, signed: seen.size });
        }
        if rollback.is_none() && self.size == seen.size && self.hash != seen.hash {
            return Err(Contradiction::Fork(self.size));
        }
        Ok(rollback)
    }

    /// Returns the name of the chain: the first line of the note, and the name of its signer.
    pub fn origin(&self) -> String {
        format!("castellan/audit/{}", self.tenant)
    }

    /// Returns the signed text: origin, size and hash, one line each, and the extension lines.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin(), self.size, STANDARD.encode(self.hash));
        if let Some(previous) = self.previous {
            text.push_str(&format!("previous {}\n", STANDARD.encode(previous)));
        }
        for Rollback { kept, size, hash } in &self.rollbacks {
            text.push_str(&format!("rollback {kept} {size} {}\n", STANDARD.encode(hash)));
        }
        text
    }

    /// Returns the signed note: the text, an empty line and the Ed25519 signature line (C2SP signed-note).
    pub fn note(&self, public_key: &[u8; 32], signature: &[u8]) -> String {
        signed_note(&self.text(), &self.origin(), public_key, signature)
    }

    /// Parses a note into the checkpoint and the signature over [`Checkpoint::text`]. Checks the key id, not the
    /// signature.
    pub fn read(note: &str, public_key: &[u8; 32]) -> Result<(Self, Vec<u8>), Invalid> {
        let invalid = || Invalid::new("checkpoint", "is not a signed checkpoint of this deployment");
        let (text, signatures) = note.split_once("\n\n").ok_or_else(invalid)?;
        // The one spelling of each checkpoint is the signed one.
        let checkpoint =
            Self::parse(text).filter(|it| it.text().strip_suffix('\n') == Some(text)).ok_or_else(invalid)?;
        let signature = signature_of(signatures, &checkpoint.origin(), public_key).ok_or_else(invalid)?;
        Ok((checkpoint, signature))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().peekable();
        let tenant = lines.next()?.strip_prefix("castellan/audit/")?.parse().ok()?;
        let size = lines.next()?.parse().ok()?;
        let hash = decode(lines.next()?)?;
        let previous = match lines.next_if(|line| line.starts_with("previous ")) {
            Some(line) => Some(decode(line.strip_prefix("previous ")?)?),
            None => None,
        };
        let rollbacks = lines.map(Rollback::parse).collect::<Option<_>>()?;
        Some(Self { tenant, size, hash, previous, rollbacks })
    }
}

impl Rollback {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("rollback ")?.splitn(3, ' ');
        let (kept, size) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Self { kept, size, hash: decode(words.next()?)? })
    }
}

fn decode(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// Returns the hash of a note, which the next note in the file contains.
pub fn note_hash(note: &str) -> Hash {
    Sha256::digest(note).into()
}

/// Returns a signed note (C2SP signed-note): the text, an empty line and the Ed25519 signature line.
pub(crate) fn signed_note(text: &str, origin: &str, public_key: &[u8; 32], signature: &[u8]) -> String {
    let mut signed = key_id(origin, public_key).to_vec();
    signed.extend(signature);
    format!("{text}\n\u{2014} {origin} {}\n", STANDARD.encode(signed))
}

/// Returns the signature by this key among the signature lines of a note.
pub(crate) fn signature_of(lines: &str, origin: &str, public_key: &[u8; 32]) -> Option<Vec<u8>> {
    lines
        .lines()
        .filter_map(|line| line.strip_prefix("\u{2014} ")?.strip_prefix(origin)?.strip_prefix(' '))
        .filter_map(|text| STANDARD.decode(text).ok())
        .find_map(|bytes| bytes.strip_prefix(&key_id(origin, public_key)).map(<[u8]>::to_vec))
}

/// Returns the first four bytes of SHA-256(name ‖ line feed ‖ 0x01 ‖ key), as C2SP signed-note defines it for Ed25519.
fn key_id(name: &str, public_key: &[u8; 32]) -> [u8; 4] {
    let digest = Sha256::new().chain_update(name).chain_update(b"\n\x01").chain_update(public_key).finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(size: i64, hash: u8, rollbacks: &[(i64, i64)]) -> Checkpoint {
        let rollbacks = rollbacks.iter().map(|&(kept, size)| Rollback { kept, size, hash: [9; 32] }).collect();
        Checkpoint { rollbacks, ..Checkpoint::new(TenantId(uuid::Uuid::nil()), size, [hash; 32]) }
    }

    /// Two servers acknowledged a rollback: the first knew fewer signed events than the second.
    #[test]
    fn x5_a_later_acknowledgment_explains_what_the_first_did_not_know() {
        let seen = checkpoint(120, 1, &[]);
        let first = checkpoint(102, 2, &[(100, 110)]);
        assert!(seen.abandoned_by(&first).is_err());
        let both = checkpoint(103, 2, &[(100, 110), (100, 120)]);
        assert_eq!(seen.abandoned_by(&both).unwrap(), Some(&both.rollbacks[1]));
    }

    #[test]
    fn a_checkpoint_round_trips_through_its_note() {
        let mut checkpoint = checkpoint(7, 3, &[]);
        for (previous, rollbacks) in [(None, 0), (Some([5; 32]), 0), (None, 1), (Some([5; 32]), 2)] {
            checkpoint.previous = previous;
            checkpoint.rollbacks = vec![Rollback { kept: 3, size: 6, hash: [8; 32] }; rollbacks];
            let note = checkpoint.note(&[1; 32], &[9; 64]);
            assert_eq!(Checkpoint::read(&note, &[1; 32]).unwrap(), (checkpoint.clone(), vec![9; 64]));
            assert!(Checkpoint::read(&note, &[2; 32]).is_err());
            for (from, to) in
                [("\n7\n", "\n7x\n"), ("\n7\n", "\n+7\n"), ("\n\n", "\nmore\n\n"), ("\n\n", "\nrollback 1\n\n")]
            {
                assert!(Checkpoint::read(&note.replace(from, to), &[1; 32]).is_err(), "{to:?}");
            }
        }
    }

    #[test]
    fn x5_a_smaller_or_different_log_contradicts_what_was_seen() {
        let seen = checkpoint(10, 1, &[]);
        assert_eq!(checkpoint(10, 1, &[]).follows(&seen), Ok(None));
        assert_eq!(checkpoint(11, 2, &[]).follows(&seen), Ok(None));
        assert_eq!(checkpoint(10, 2, &[]).follows(&seen), Err(Contradiction::Fork(10)));
        assert_eq!(checkpoint(9, 1, &[]).follows(&seen), Err(Contradiction::Shorter { size: 9, signed: 10 }));
        let other = Checkpoint { tenant: TenantId(uuid::Uuid::from_u128(1)), ..checkpoint(11, 2, &[]) };
        assert_eq!(other.follows(&seen), Err(Contradiction::Fork(10)));
    }

    #[test]
    fn x5_an_acknowledged_rollback_is_accepted_as_far_as_it_was_known() {
        let seen = checkpoint(10, 1, &[]);
        let restored = checkpoint(7, 2, &[(5, 10)]);
        assert_eq!(restored.follows(&seen), Ok(Some(&restored.rollbacks[0])));
        assert_eq!(restored.follows(&checkpoint(5, 1, &[])), Ok(None), "what stayed the same is not abandoned");
        assert_eq!(
            restored.follows(&checkpoint(11, 1, &[])),
            Err(Contradiction::Shorter { size: 10, signed: 11 }),
            "the admin did not know of event 11"
        );
        assert!(seen.follows(&restored).is_err(), "the log before the rollback does not return");
        // After the rollback, the new log is witnessed like any other.
        assert_eq!(checkpoint(6, 2, &[(5, 10)]).follows(&restored), Err(Contradiction::Shorter { size: 6, signed: 7 }));
        assert_eq!(checkpoint(7, 3, &[(5, 10)]).follows(&restored), Err(Contradiction::Fork(7)));
        // Two rollbacks, of which the first abandoned what was seen, although the second one did not go as far.
        let twice = checkpoint(8, 4, &[(5, 10), (6, 7)]);
        assert_eq!(twice.follows(&seen), Ok(Some(&twice.rollbacks[0])));
        assert_eq!(twice.follows(&restored), Ok(Some(&twice.rollbacks[1])));
    }
}

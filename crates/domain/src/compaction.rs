//! Compaction of a file of checkpoints: which notes stay, and the signed note that says so. Without it, a gap between notes shows that
//! somebody removed some (X5).
use crate::{
    Invalid, TenantId,
    audit::Hash,
    checkpoint::{Checkpoint, signature_of, signed_note},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::collections::BTreeMap;

/// The first line of the note, and the name of its signer.
const ORIGIN: &str = "castellan/compaction";

/// The first note of a compacted file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compaction {
    /// The number of notes that stayed: the first ones of the file.
    pub kept: usize,
    /// SHA-256 over these notes as they are in the file.
    pub digest: Hash,
}

impl Compaction {
    /// Returns the signed text, one line each.
    pub fn text(&self) -> String {
        format!("{ORIGIN}\n{}\n{}\n", self.kept, STANDARD.encode(self.digest))
    }

    /// Returns the signed note.
    pub fn note(&self, public_key: &[u8; 32], signature: &[u8]) -> String {
        signed_note(&self.text(), ORIGIN, public_key, signature)
    }

    /// Returns whether a note is one of a compaction, or claims to be one.
    pub fn is_claimed_by(note: &str) -> bool {
        note.starts_with(ORIGIN)
    }

    /// Parses a note into the compaction and the signature over [`Compaction::text`]. Checks the key id, not the signature.
    ///
    /// # Errors
    /// When it has another form, or is of another key.
    pub fn read(note: &str, public_key: &[u8; 32]) -> Result<(Self, Vec<u8>), Invalid> {
        let parse = || {
            let (text, signatures) = note.split_once("\n\n")?;
            let mut lines = text.lines().skip(1);
            let kept = lines.next()?.parse().ok()?;
            let digest = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
            let compaction = Self { kept, digest };
            // The one spelling is the signed one.
            (compaction.text().strip_suffix('\n') == Some(text)).then_some(())?;
            Some((compaction, signature_of(signatures, ORIGIN, public_key)?))
        };
        parse().ok_or_else(|| Invalid::new("compaction", "is not a signed compaction of this deployment"))
    }
}

/// Returns which checkpoints of a file stay, in its order. All of the last `recent` do. Of the ones before, each log keeps its first
/// and its last one, and of those between one for each doubling of the distance from the last one; so does each log that was abandoned in
/// a rollback. That is at most 66 for each.
///
/// `None` if checkpoints of one log contradict each other: such a file is evidence, and stays as it is.
pub fn retained(checkpoints: &[Checkpoint], recent: usize) -> Option<Vec<bool>> {
    let mut logs: BTreeMap<(TenantId, usize), Vec<usize>> = BTreeMap::new();
    for (number, checkpoint) in checkpoints.iter().enumerate() {
        logs.entry((checkpoint.tenant, checkpoint.rollbacks.len())).or_default().push(number);
    }
    let mut stay: Vec<_> = (0..checkpoints.len()).map(|number| number + recent >= checkpoints.len()).collect();
    for numbers in logs.into_values() {
        let of_log: Vec<_> = numbers.iter().filter_map(|number| Some((*number, checkpoints.get(*number)?))).collect();
        let contradicts = |pair: &[(usize, &Checkpoint)]| match pair {
            [(_, a), (_, b)] => a.rollbacks != b.rollbacks || b.size < a.size || b.size == a.size && b.hash != a.hash,
            _ => false,
        };
        if of_log.windows(2).any(contradicts) {
            return None;
        }
        let (Some(first), Some(last)) = (of_log.first(), of_log.last()) else { continue };
        let mut keep = vec![first.0, last.0];
        let mut bucket = None;
        for (number, checkpoint) in &of_log {
            let distance = u64::try_from(last.1.size - checkpoint.size).unwrap_or(0);
            let of_this = Some(distance.checked_ilog2());
            if bucket != of_this {
                keep.push(*number);
            }
            bucket = of_this;
        }
        for number in keep {
            if let Some(stays) = stay.get_mut(number) {
                *stays = true;
            }
        }
    }
    Some(stay)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Rollback;

    fn checkpoint(tenant: u128, size: i64) -> Checkpoint {
        Checkpoint::new(TenantId(uuid::Uuid::from_u128(tenant)), size, [u8::try_from(size % 251).unwrap(); 32])
    }

    #[test]
    fn x5_a_compaction_round_trips_through_its_note() {
        let compaction = Compaction { kept: 12, digest: [7; 32] };
        let note = compaction.note(&[1; 32], &[9; 64]);
        assert!(Compaction::is_claimed_by(&note));
        assert_eq!(Compaction::read(&note, &[1; 32]).unwrap(), (compaction, vec![9; 64]));
        assert!(Compaction::read(&note, &[2; 32]).is_err(), "another key");
        for (from, to) in
            [("\n12\n", "\n012\n"), ("\n12\n", "\n+12\n"), ("\n\n", "\nmore\n\n"), ("compaction\n", "compactionx\n")]
        {
            assert!(Compaction::read(&note.replacen(from, to, 1), &[1; 32]).is_err(), "{to:?}");
        }
        let other = checkpoint(1, 3).note(&[1; 32], &[9; 64]);
        assert!(!Compaction::is_claimed_by(&other) && Compaction::read(&other, &[1; 32]).is_err());
        assert!(Checkpoint::read(&note, &[1; 32]).is_err());
    }

    /// However often a growing file is thinned out, it stays small, and no log loses its first or last checkpoint.
    #[test]
    fn x5_a_file_that_is_thinned_out_again_and_again_stays_bounded() {
        let mut file: Vec<Checkpoint> = vec![];
        for size in 1..=40_000_i64 {
            file.push(checkpoint(u128::try_from(size % 3).unwrap(), size));
            if file.len() > 1_000 {
                let stay = retained(&file, 100).unwrap();
                file = file.into_iter().zip(stay).filter_map(|(one, stays)| stays.then_some(one)).collect();
                assert!(file.len() <= 100 + 3 * 66, "{}", file.len());
            }
        }
        let sizes: Vec<_> = file.iter().map(|one| one.size).collect();
        assert!(sizes.starts_with(&[1, 2, 3]) && sizes.ends_with(&[39_999, 40_000]), "{sizes:?}");
        // Distances double: there is a checkpoint in the second half, quarter and eighth.
        for part in [2, 4, 8] {
            assert!(sizes.iter().any(|size| (40_000 - 40_000 / part..39_000).contains(size)), "{part}: {sizes:?}");
        }
    }

    #[test]
    fn x5_a_file_with_a_contradiction_is_not_thinned_out() {
        let fork = Checkpoint { hash: [99; 32], ..checkpoint(1, 5) };
        for contradiction in [vec![checkpoint(1, 5), fork], vec![checkpoint(1, 5), checkpoint(1, 4)]] {
            assert_eq!(retained(&contradiction, 0), None);
        }
        // An acknowledged rollback is none: both logs keep their ends.
        let rollbacks = vec![Rollback { kept: 3, size: 5, hash: [1; 32] }];
        let restored = |size| Checkpoint { rollbacks: rollbacks.clone(), ..checkpoint(1, size) };
        assert_eq!(retained(&[checkpoint(1, 5), restored(4), restored(6)], 0), Some(vec![true; 3]));
        assert_eq!(retained(&[], 5), Some(vec![]));
    }
}

//! Succession of signing keys: a key signs its successor, so that a verifier that pinned the first key accepts the last one (X5).
use crate::Invalid;

/// An Ed25519 public key.
pub type PublicKey = [u8; 32];

/// The purpose of the keys that sign checkpoints of the audit log, in successions.
pub const CHECKPOINTS: &str = "checkpoints";

/// The purpose of the keys that sign rules, judgments, decisions and grants, in successions.
pub const GRANTS: &str = "grants";

/// The domain separator of successions in signatures.
const LABEL: &[u8] = b"castellan-succession-v1\0";

/// A key and its successor, signed by the former. As text: `succession OLD NEW SIGNATURE` in hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Succession {
    pub old: PublicKey,
    pub new: PublicKey,
    pub signature: Vec<u8>,
}

impl Succession {
    /// Returns the bytes that the old key signs. `purpose` is the name of what the keys sign, so that a key for one purpose has no
    /// successor for another.
    pub fn signed_bytes(purpose: &str, old: &PublicKey, new: &PublicKey) -> Vec<u8> {
        [LABEL, purpose.as_bytes(), b"\0", old, new].concat()
    }

    /// Returns the line of text.
    pub fn line(&self) -> String {
        format!("succession {} {} {}", hex::encode(self.old), hex::encode(self.new), hex::encode(&self.signature))
    }

    /// Parses a line of text; checks no signature.
    ///
    /// # Errors
    /// When it has another form.
    pub fn parse(line: &str) -> Result<Self, Invalid> {
        let key = |text: &str| hex::decode(text).ok()?.try_into().ok();
        let parsed = line.strip_prefix("succession ").and_then(|rest| {
            let mut words = rest.splitn(3, ' ');
            let (old, new) = (key(words.next()?)?, key(words.next()?)?);
            Some(Self { old, new, signature: hex::decode(words.next()?).ok()? })
        });
        parsed.filter(|it| it.line() == line).ok_or_else(|| Invalid::new("succession", "is not a succession of keys"))
    }
}

/// Returns the accepted keys, oldest first: the first one, and those that `successions`, oldest first, lead to. `verifies` checks
/// a signature (key, message, signature).
pub fn successors(
    purpose: &str,
    first: PublicKey,
    successions: &[Succession],
    verifies: impl Fn(&PublicKey, &[u8], &[u8]) -> bool,
) -> Vec<PublicKey> {
    let (mut keys, mut last) = (vec![first], first);
    for Succession { old, new, signature } in successions {
        if *old == last && verifies(old, &Succession::signed_bytes(purpose, old, new), signature) {
            last = *new;
            keys.push(last);
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A substitute for Ed25519, which this crate does not contain: the key, then the message.
    fn sign(key: &PublicKey, message: &[u8]) -> Vec<u8> {
        [key.as_slice(), message].concat()
    }

    fn succession(purpose: &str, old: u8, new: u8, by: u8) -> Succession {
        let (old, new) = ([old; 32], [new; 32]);
        Succession { old, new, signature: sign(&[by; 32], &Succession::signed_bytes(purpose, &old, &new)) }
    }

    #[test]
    fn x5_only_a_successor_that_the_old_key_signed_is_accepted() {
        let verifies = |key: &PublicKey, message: &[u8], signature: &[u8]| signature == sign(key, message);
        let follow = |first: u8, chain: &[Succession]| -> Vec<u8> {
            successors(CHECKPOINTS, [first; 32], chain, verifies).iter().map(|key| key[0]).collect()
        };
        let chain = [succession("checkpoints", 1, 2, 1), succession("checkpoints", 2, 3, 2)];
        assert_eq!(follow(1, &chain), [1, 2, 3]);
        assert_eq!(follow(2, &chain), [2, 3]);
        assert_eq!(follow(9, &chain), [9]);
        assert_eq!(follow(1, &[succession("checkpoints", 1, 2, 2)]), [1], "signed by the new key");
        assert_eq!(follow(1, &[succession(GRANTS, 1, 2, 1)]), [1], "for another purpose");
        assert_eq!(follow(1, &[succession("checkpoints", 2, 3, 2)]), [1], "a link is missing");
    }

    #[test]
    fn a_succession_round_trips_through_its_line() {
        let one = succession("checkpoints", 1, 2, 1);
        assert_eq!(Succession::parse(&one.line()), Ok(one.clone()));
        for wrong in ["", "succession", "succession 00 00 00", &one.line().to_uppercase(), &format!("{} ", one.line())]
        {
            assert!(Succession::parse(wrong).is_err(), "{wrong}");
        }
    }
}

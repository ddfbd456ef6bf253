//! Checkpoints of the audit chain in the C2SP tlog-checkpoint format: copies that are stored elsewhere reveal a
//! truncated log.
use crate::{Invalid, TenantId, audit::Hash};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

/// The head of a tenant's hash chain at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub tenant: TenantId,
    /// The number of records.
    pub size: i64,
    /// The hash of the last record.
    pub hash: Hash,
}

impl Checkpoint {
    /// Returns the name of the chain: the first line of the note, and the name of its signer.
    pub fn origin(&self) -> String {
        format!("castellan/audit/{}", self.tenant)
    }

    /// Returns the signed text: origin, size and hash, one line each.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin(), self.size, STANDARD.encode(self.hash))
    }

    /// Returns the signed note: the text, an empty line and the Ed25519 signature line (C2SP signed-note).
    pub fn note(&self, public_key: &[u8; 32], signature: &[u8]) -> String {
        let mut signed = key_id(&self.origin(), public_key).to_vec();
        signed.extend(signature);
        format!("{}\n\u{2014} {} {}\n", self.text(), self.origin(), STANDARD.encode(signed))
    }

    /// Parses a note into the checkpoint and the signature over [`Checkpoint::text`]. Checks the key id, not the
    /// signature.
    pub fn read(note: &str, public_key: &[u8; 32]) -> Result<(Self, Vec<u8>), Invalid> {
        let invalid = || Invalid::new("checkpoint", "is not a signed checkpoint of this deployment");
        let (text, signatures) = note.split_once("\n\n").ok_or_else(invalid)?;
        let mut lines = text.lines();
        let tenant = lines.next().and_then(|l| l.strip_prefix("castellan/audit/")).and_then(|t| t.parse().ok());
        let size = lines.next().and_then(|l| l.parse().ok());
        let hash = lines.next().and_then(|l| STANDARD.decode(l).ok()).and_then(|h| h.try_into().ok());
        let (Some(tenant), Some(size), Some(hash), None) = (tenant, size, hash, lines.next()) else {
            return Err(invalid());
        };
        let checkpoint = Self { tenant, size, hash };
        let origin = checkpoint.origin();
        let signature = signatures
            .lines()
            .filter_map(|line| line.strip_prefix("\u{2014} ")?.strip_prefix(&origin)?.strip_prefix(' '))
            .filter_map(|text| STANDARD.decode(text).ok())
            .find_map(|bytes| bytes.strip_prefix(&key_id(&origin, public_key)).map(<[u8]>::to_vec))
            .ok_or_else(invalid)?;
        Ok((checkpoint, signature))
    }
}

/// Returns the first four bytes of SHA-256(name ‖ line feed ‖ 0x01 ‖ key), as C2SP signed-note defines it for Ed25519.
fn key_id(name: &str, public_key: &[u8; 32]) -> [u8; 4] {
    let digest = Sha256::new().chain_update(name).chain_update(b"\n\x01").chain_update(public_key).finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_round_trips_through_its_note() {
        let checkpoint = Checkpoint { tenant: TenantId(uuid::Uuid::nil()), size: 7, hash: [3; 32] };
        let note = checkpoint.note(&[1; 32], &[9; 64]);
        assert_eq!(Checkpoint::read(&note, &[1; 32]).unwrap(), (checkpoint, vec![9; 64]));
        assert!(Checkpoint::read(&note, &[2; 32]).is_err());
        assert!(Checkpoint::read(&note.replace("\n7\n", "\n7x\n"), &[1; 32]).is_err());
    }
}

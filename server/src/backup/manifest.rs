//! Manifest of a backup: which program made it when, its files with their digests, and the fingerprints of the keys that it needs.
use crate::failure::Failure;
use domain::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the format. A program reads its own and earlier ones.
pub(super) const FORMAT: u32 = 1;

pub(super) const DATABASE: &str = "castellan.db";
pub(super) const CHECKPOINTS: &str = "checkpoints";
/// Certificate of the runner CA, which runners trust.
pub(super) const AUTHORITY: &str = "runners-ca.pem";
/// The files of `data/secrets`, encrypted with a passphrase.
pub(super) const KEYS: &str = "keys";

/// What a backup contains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub format: u32,
    /// Version of the program that made it.
    pub version: String,
    pub created_at: Timestamp,
    /// Fingerprint of each key, by the name of its file.
    pub keys: BTreeMap<String, String>,
    pub parts: Vec<Part>,
}

/// A file in the backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    pub name: String,
    /// In bytes.
    pub size: u64,
    pub sha256: String,
}

/// What a manifest of every format has.
#[derive(Deserialize)]
struct Origin {
    format: u32,
    version: String,
}

impl Manifest {
    /// Parses a manifest and checks that it has the files that a backup needs, and no others.
    ///
    /// # Errors
    /// Fails if it is damaged or of a newer format.
    pub(super) fn parse(text: &[u8]) -> Result<Self, Failure> {
        let damaged = || Failure::new("it was changed or is damaged: its manifest cannot be read");
        let origin: Origin = serde_json::from_slice(text).map_err(|_| damaged())?;
        if origin.format > FORMAT {
            return Err(Failure::new(format!(
                "it was made by Castellan {}, in a newer format than this program reads. Use that version or a later one",
                origin.version.escape_debug()
            )));
        }
        let manifest: Self = serde_json::from_slice(text).map_err(|_| damaged())?;
        let names: Vec<_> = manifest.parts.iter().map(|part| part.name.as_str()).collect();
        let mut allowed = [DATABASE, CHECKPOINTS, AUTHORITY, KEYS].into_iter();
        let in_order = names.iter().all(|name| allowed.any(|next| next == *name));
        match in_order && names.starts_with(&[DATABASE, CHECKPOINTS]) {
            true => Ok(manifest),
            false => Err(damaged()),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.parts.iter().any(|part| part.name == name)
    }
}

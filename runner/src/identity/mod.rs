//! Runner identity: its certificate, its keys and the authority that it trusts.

mod enroll;
mod key;
mod pinned_key;
mod renewal;
mod token;

use crate::folder::{Folder, FolderError};
use domain::{RunnerId, TenantId, succession::GRANTS};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

pub use enroll::{EnrollmentServer, enroll};
pub use key::RunnerKey;
pub use pinned_key::PinnedKey;
pub use renewal::Renewal;
pub use token::Token;

const FILE: &str = "identity.json";

/// What to do about an unusable identity.
const REENROLL: &str =
    "enroll again with --reenroll and a new enrollment token; receipts that were not delivered are kept";

/// An error of the identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("{} does not contain a usable key; {REENROLL}", .0.display())]
    Key(PathBuf),
    #[error("the runner's key cannot be generated or used")]
    Use,
    #[error("the server's certificate for this runner is for another key")]
    Foreign,
    #[error("identity.json is not a valid identity of this version; {REENROLL}")]
    Malformed,
    #[error("enrollment at the server failed: {0}")]
    Server(String),
    #[error("the authorities in {} cannot be used: {reason}", path.display())]
    Authorities { path: PathBuf, reason: String },
}

/// The identity that enrollment returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub runner: RunnerId,
    pub tenant: TenantId,
    pub name: String,
    /// host:port for runner connections.
    pub endpoint: String,
    /// The runner's certificate, PEM.
    pub certificate: String,
    /// The key file of a renewed certificate; the enrollment key still signs receipts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_key: Option<String>,
    /// The only authority for the server's certificate, PEM.
    pub ca: String,
    /// The Ed25519 key that verified grants at enrollment; a server with a key that is no successor of it is rejected.
    pub grant_key: PinnedKey,
    /// The successions of that key that the server sent, as lines of text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grant_successions: Vec<String>,
    /// The Ed25519 key that verifies checkpoints of the audit log.
    pub checkpoint_key: PinnedKey,
    /// The successions of that key that the server sent, as lines of text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checkpoint_successions: Vec<String>,
}

impl Identity {
    /// Returns the keys that verified grants, oldest first. Only the last one verifies new grants.
    pub fn grant_keys(&self) -> Vec<PinnedKey> {
        self.grant_key.with_successors(GRANTS, &self.grant_successions)
    }

    /// Returns the identity in `folder`, if the runner is enrolled.
    ///
    /// # Errors
    /// Fails if the file cannot be read or parsed.
    pub fn load(folder: &Folder) -> Result<Option<Self>, IdentityError> {
        let Some(bytes) = folder.read(FILE)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|_| IdentityError::Malformed)
    }

    /// Writes the identity to `folder`.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn save(&self, folder: &Folder) -> Result<(), IdentityError> {
        let bytes = serde_json::to_vec_pretty(self).map_err(|_| IdentityError::Malformed)?;
        Ok(folder.write(FILE, &bytes)?)
    }

    /// Returns the runner's certificate.
    ///
    /// # Errors
    /// Fails if the text is not a PEM certificate.
    pub fn certificate(&self) -> Result<CertificateDer<'static>, IdentityError> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).map_err(|_| IdentityError::Malformed)
    }

    /// Returns the certificate of the authority.
    ///
    /// # Errors
    /// Fails if the text is not a PEM certificate.
    pub fn authority(&self) -> Result<CertificateDer<'static>, IdentityError> {
        CertificateDer::from_pem_slice(self.ca.as_bytes()).map_err(|_| IdentityError::Malformed)
    }
}

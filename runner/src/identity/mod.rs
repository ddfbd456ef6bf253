//! Who this runner is: its key, its certificate, whom it trusts, and how it came by them.

mod enroll;
mod grant_key;
mod key;
mod renewal;
mod token;

use std::path::PathBuf;

use domain::{RunnerId, TenantId};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde::{Deserialize, Serialize};

use crate::folder::{Folder, FolderError};
pub use enroll::{Office, enroll};
pub use grant_key::GrantKey;
pub use key::RunnerKey;
pub use renewal::Renewal;
pub use token::Token;

const FILE: &str = "identity.json";

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("{} holds no key that can be used; remove the data folder and enroll again", .0.display())]
    Key(PathBuf),
    #[error("the runner's key cannot be made or used")]
    Use,
    #[error("the server's certificate for this runner is for another key")]
    Foreign,
    #[error("identity.json holds something else; remove the data folder and enroll again")]
    Malformed,
    #[error("enrollment at the server failed: {0}")]
    Server(String),
    #[error("the authorities in {} cannot be used: {reason}", path.display())]
    Authorities { path: PathBuf, reason: String },
}

/// What enrollment gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub runner: RunnerId,
    pub tenant: TenantId,
    /// What people call it.
    pub name: String,
    /// Where the server takes runners' connections, as host:port.
    pub endpoint: String,
    /// Our certificate, PEM.
    pub certificate: String,
    /// The file of the key that our certificate is for, once it was renewed; that of enrollment signs receipts as ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_key: Option<String>,
    /// The one authority that the server's certificate may come from, PEM.
    pub ca: String,
    /// The Ed25519 key that every grant is checked with; a server that shows another one is refused.
    pub grant_key: GrantKey,
}

impl Identity {
    /// The identity in `folder`, if it was enrolled before.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else.
    pub fn load(folder: &Folder) -> Result<Option<Self>, IdentityError> {
        let Some(bytes) = folder.read(FILE)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|_| IdentityError::Malformed)
    }

    /// Keeps it in `folder`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, folder: &Folder) -> Result<(), IdentityError> {
        let bytes = serde_json::to_vec_pretty(self).map_err(|_| IdentityError::Malformed)?;
        Ok(folder.write(FILE, &bytes)?)
    }

    /// Our certificate.
    ///
    /// # Errors
    /// When it is none.
    pub fn certificate(&self) -> Result<CertificateDer<'static>, IdentityError> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).map_err(|_| IdentityError::Malformed)
    }

    /// The authority's certificate.
    ///
    /// # Errors
    /// When it is none.
    pub fn authority(&self) -> Result<CertificateDer<'static>, IdentityError> {
        CertificateDer::from_pem_slice(self.ca.as_bytes()).map_err(|_| IdentityError::Malformed)
    }
}

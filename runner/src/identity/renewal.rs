//! Renewal: another key and another certificate for the same runner (S-05).
//!
//! Each step is safe to be killed at. The new key is on the disk before it is asked for; the certificate and the name of its
//! key's file go into the identity in one replacement; the old key's file is written over by the next renewal. The server
//! lets both certificates in until it has seen the new one.

use std::time::Duration;

use tokio::time::Instant;

use super::{Identity, IdentityError, RunnerKey};
use crate::{config::RunnerName, folder::Folder};

/// The two files that a connection's key can be in, besides that of enrollment: one is used while the other is prepared.
const FILES: [&str; 2] = ["connection-a.pk8", "connection-b.pk8"];

/// How long an answer is waited for before it is asked again.
const PATIENCE: Duration = Duration::from_mins(1);

/// What is under way.
#[derive(Debug, Default)]
pub struct Renewal {
    asked: Option<Instant>,
}

impl Renewal {
    /// The request for another certificate, unless one is under way.
    ///
    /// # Errors
    /// When the key cannot be made or used.
    pub fn request(&mut self, folder: &Folder, identity: &Identity) -> Result<Option<String>, IdentityError> {
        if self.asked.is_some_and(|at| at.elapsed() < PATIENCE) {
            return Ok(None);
        }
        let name: RunnerName = identity.name.parse().map_err(|_| IdentityError::Malformed)?;
        let key = RunnerKey::create(folder, other(identity))?;
        self.asked = Some(Instant::now());
        key.certificate_request(&name).map(Some)
    }

    /// Keeps the certificate that came, and the key that it is for, and gives the identity that they make.
    ///
    /// # Errors
    /// When nothing was asked, the certificate is not for the key, or it cannot be written; all is then as it was.
    pub fn accept(
        &mut self,
        folder: &Folder,
        identity: &Identity,
        certificate: String,
    ) -> Result<(Identity, RunnerKey), IdentityError> {
        self.asked.take().ok_or(IdentityError::Malformed)?;
        let file = other(identity);
        let key = RunnerKey::read(folder, file)?.ok_or_else(|| IdentityError::Key(folder.path(file)))?;
        let renewed = Identity { certificate, connection_key: Some(file.to_owned()), ..identity.clone() };
        if !key.fits(&renewed.certificate()?) {
            return Err(IdentityError::Foreign);
        }
        renewed.save(folder)?;
        Ok((renewed, key))
    }

    /// Forgets what was asked: the connection over which it was is gone.
    pub fn forget(&mut self) {
        self.asked = None;
    }
}

/// The file that the identity's key is not in.
fn other(identity: &Identity) -> &'static str {
    let [first, second] = FILES;
    if identity.connection_key.as_deref() == Some(first) { second } else { first }
}

impl Identity {
    /// The key that our certificate is for, where it is another one than that of enrollment.
    ///
    /// # Errors
    /// When its file is missing, open to others or no key.
    pub fn connection_key(&self, folder: &Folder) -> Result<Option<RunnerKey>, IdentityError> {
        let Some(name) = &self.connection_key else { return Ok(None) };
        let known = FILES.iter().find(|file| **file == name).ok_or(IdentityError::Malformed)?;
        RunnerKey::read(folder, known)?.ok_or_else(|| IdentityError::Key(folder.path(known))).map(Some)
    }
}

//! Certificate renewal: a new key and certificate for the same runner (S-05).
//!
//! Every step survives a kill. The new key is on disk before its certificate is requested; the certificate and the
//! name of the key file are written to the identity in one replacement; the next renewal overwrites the old key file.
//! The server accepts both certificates until it has seen the new one.

use super::{Identity, IdentityError, RunnerKey};
use crate::{config::RunnerName, folder::Folder};
use std::time::Duration;
use tokio::time::Instant;

/// The two files of connection keys besides the enrollment key: one is in use while the other is prepared.
const KEY_FILES: [&str; 2] = ["connection-a.pk8", "connection-b.pk8"];

/// The time after which an unanswered request is repeated.
const RETRY_AFTER: Duration = Duration::from_mins(1);

/// The pending renewal.
#[derive(Debug, Default)]
pub struct Renewal {
    requested_at: Option<Instant>,
}

impl Renewal {
    /// Returns a request for a new certificate, unless a renewal is pending.
    ///
    /// # Errors
    /// Fails if the key cannot be generated or used.
    pub fn request(&mut self, folder: &Folder, identity: &Identity) -> Result<Option<String>, IdentityError> {
        if self.requested_at.is_some_and(|at| at.elapsed() < RETRY_AFTER) {
            return Ok(None);
        }
        let name: RunnerName = identity.name.parse().map_err(|_| IdentityError::Malformed)?;
        let key = RunnerKey::create(folder, other(identity))?;
        self.requested_at = Some(Instant::now());
        key.certificate_request(&name).map(Some)
    }

    /// Saves a new certificate and its key, and returns the resulting identity.
    ///
    /// # Errors
    /// Fails if no renewal is pending, the certificate is not for the new key, or it cannot be written; nothing is
    /// changed then.
    pub fn accept(
        &mut self,
        folder: &Folder,
        identity: &Identity,
        certificate: String,
    ) -> Result<(Identity, RunnerKey), IdentityError> {
        self.requested_at.take().ok_or(IdentityError::Malformed)?;
        let file = other(identity);
        let key = RunnerKey::read(folder, file)?.ok_or_else(|| IdentityError::Key(folder.path(file)))?;
        let renewed = Identity { certificate, connection_key: Some(file.to_owned()), ..identity.clone() };
        if !key.fits(&renewed.certificate()?) {
            return Err(IdentityError::Foreign);
        }
        renewed.save(folder)?;
        Ok((renewed, key))
    }

    /// Discards the pending renewal, because its connection has ended.
    pub fn forget(&mut self) {
        self.requested_at = None;
    }
}

/// Returns the key file that is not in use.
fn other(identity: &Identity) -> &'static str {
    let [first, second] = KEY_FILES;
    if identity.connection_key.as_deref() == Some(first) { second } else { first }
}

impl Identity {
    /// Returns the key of a renewed certificate; `None` while the enrollment key is in use.
    ///
    /// # Errors
    /// Fails if its file does not exist, is accessible to other users, or does not contain a key.
    pub fn connection_key(&self, folder: &Folder) -> Result<Option<RunnerKey>, IdentityError> {
        let Some(name) = &self.connection_key else { return Ok(None) };
        let known = KEY_FILES.iter().find(|file| **file == name).ok_or(IdentityError::Malformed)?;
        RunnerKey::read(folder, known)?.ok_or_else(|| IdentityError::Key(folder.path(known))).map(Some)
    }
}

//! Private key of the runner: ECDSA P-384, generated here and never exported; it authenticates connections and signs
//! receipts.

use super::IdentityError;
use crate::{
    config::RunnerName,
    folder::{Folder, FolderError, sync_parent},
};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair},
};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P384_SHA384};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::{fmt, fs, os::unix::fs::MetadataExt};

const FILE: &str = "key.pk8";
/// The key of an enrollment that the server has not answered yet.
const ENROLLING: &str = "enrolling-key.pk8";

/// A private key of the runner.
pub struct RunnerKey {
    pair: EcdsaKeyPair,
    pkcs8: PrivatePkcs8KeyDer<'static>,
}

impl RunnerKey {
    /// Returns the key in `folder`, generating it if there is none.
    ///
    /// # Errors
    /// Fails if the key cannot be generated or read, other users can read it, or the file does not contain a key.
    pub fn open_or_create(folder: &Folder) -> Result<Self, IdentityError> {
        match Self::open(folder)? {
            Some(key) => Ok(key),
            None => Self::create(folder, FILE),
        }
    }

    /// Generates a key for an enrollment, which does not replace the present one yet. The server accepts each key once, and may
    /// have enrolled an earlier one without its answer having arrived.
    ///
    /// # Errors
    /// When the key cannot be generated or written.
    pub fn for_enrollment(folder: &Folder) -> Result<Self, IdentityError> {
        Self::create(folder, ENROLLING)
    }

    /// Makes the key of an enrollment the key of the runner.
    ///
    /// # Errors
    /// When a system call fails.
    pub fn install(folder: &Folder) -> Result<(), IdentityError> {
        let path = folder.path(FILE);
        let installed = fs::rename(folder.path(ENROLLING), &path).and_then(|()| sync_parent(&path));
        Ok(installed.map_err(|source| FolderError::Io { path, source })?)
    }

    /// Returns the key in `folder`, if there is one.
    ///
    /// # Errors
    /// Fails if other users can read the file, or it does not contain a key.
    pub fn open(folder: &Folder) -> Result<Option<Self>, IdentityError> {
        Self::read(folder, FILE)
    }

    /// Generates a key and writes it atomically to its own file.
    ///
    /// # Errors
    /// Fails if the key cannot be generated or written.
    pub fn create(folder: &Folder, name: &str) -> Result<Self, IdentityError> {
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, &SystemRandom::new());
        folder.write(name, key.map_err(|_| IdentityError::Use)?.as_ref())?;
        Self::read(folder, name)?.ok_or_else(|| IdentityError::Key(folder.path(name)))
    }

    /// Returns the key in a file of `folder`, if there is one.
    ///
    /// # Errors
    /// Fails if other users can read the file, or it does not contain a key.
    pub fn read(folder: &Folder, name: &str) -> Result<Option<Self>, IdentityError> {
        let Some(bytes) = folder.read(name)? else { return Ok(None) };
        let path = folder.path(name);
        let found = path.symlink_metadata().map_err(|source| FolderError::Io { path: path.clone(), source })?;
        if !found.is_file() || found.mode() & 0o077 != 0 {
            return Err(FolderError::Open(path).into());
        }
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, &bytes);
        let pair = pair.map_err(|_| IdentityError::Key(path))?;
        Ok(Some(Self { pair, pkcs8: bytes.into() }))
    }

    /// Returns a certificate request as PEM: the public key and the proof of possession of the private key. The server
    /// decides what the certificate contains.
    ///
    /// # Errors
    /// Fails if the key cannot sign.
    pub fn certificate_request(&self, name: &RunnerName) -> Result<String, IdentityError> {
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(&self.pkcs8, &PKCS_ECDSA_P384_SHA384)
            .map_err(|_| IdentityError::Use)?;
        let mut request = CertificateParams::default();
        request.distinguished_name = rcgen::DistinguishedName::new();
        request.distinguished_name.push(DnType::CommonName, name.as_str());
        request.serialize_request(&pair).and_then(|request| request.pem()).map_err(|_| IdentityError::Use)
    }

    /// Returns whether a certificate is for this key.
    pub fn fits(&self, certificate: &CertificateDer<'_>) -> bool {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let certified = CertifiedKey::from_der(vec![certificate.clone().into_owned()], self.for_tls(), &provider);
        certified.is_ok_and(|certified| certified.keys_match().is_ok())
    }

    /// Signs `message`: ECDSA P-384 with SHA-384, ASN.1.
    ///
    /// # Errors
    /// Fails if the key cannot sign.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, IdentityError> {
        let signature = self.pair.sign(&SystemRandom::new(), message).map_err(|_| IdentityError::Use)?;
        Ok(signature.as_ref().to_vec())
    }

    /// Returns the key in PKCS #8 form for TLS.
    pub fn for_tls(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.pkcs8.clone_key())
    }
}

impl fmt::Debug for RunnerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunnerKey([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A first start on a full disk can leave an incomplete file, which must not be used as a key.
    #[test]
    fn a_key_file_is_written_atomically() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::open(&data.path().join("runner")).unwrap();
        assert!(RunnerKey::open(&folder).unwrap().is_none());
        folder.write("key.new", b"half").unwrap();
        RunnerKey::open_or_create(&folder).unwrap();
        let key = folder.read(FILE).unwrap().unwrap();
        RunnerKey::open_or_create(&folder).unwrap();
        assert_eq!(folder.read(FILE).unwrap().unwrap(), key, "a key that is there is never replaced");
    }

    #[test]
    fn an_invalid_key_file_is_refused_by_name_and_kept() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::open(&data.path().join("runner")).unwrap();
        folder.write(FILE, b"").unwrap();
        let error = RunnerKey::open_or_create(&folder).unwrap_err().to_string();
        assert!(error.contains(folder.path(FILE).to_str().unwrap()) && error.contains("--reenroll"), "{error}");
        assert_eq!(folder.read(FILE).unwrap().unwrap(), b"");
    }
}

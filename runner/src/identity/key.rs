//! The runner's own key: ECDSA P-384, made here, never leaving the machine; it opens connections and signs receipts.

use std::{
    fmt,
    fs::OpenOptions,
    io::Write,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair},
};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P384_SHA384};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::IdentityError;
use crate::{
    config::RunnerName,
    folder::{Folder, FolderError, sync_parent},
};

const FILE: &str = "key.pk8";

/// The private key.
pub struct RunnerKey {
    pair: EcdsaKeyPair,
    pkcs8: PrivatePkcs8KeyDer<'static>,
}

impl RunnerKey {
    /// The key in `folder`, made where there is none.
    ///
    /// # Errors
    /// When it cannot be made or read, others can read it, or it is something else.
    pub fn open_or_create(folder: &Folder) -> Result<Self, IdentityError> {
        if let Some(key) = Self::open(folder)? {
            return Ok(key);
        }
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, &SystemRandom::new());
        let path = folder.path(FILE);
        let failed = |source| FolderError::Io { path: path.clone(), source };
        // O_EXCL: a key that is there is never overwritten.
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
        file.write_all(made.map_err(|_| IdentityError::Key)?.as_ref())
            .and_then(|()| file.sync_all())
            .map_err(failed)?;
        sync_parent(&path).map_err(failed)?;
        Self::open(folder)?.ok_or(IdentityError::Key)
    }

    /// The key in `folder`, if there is one.
    ///
    /// # Errors
    /// When others can read it, or it is something else.
    pub fn open(folder: &Folder) -> Result<Option<Self>, IdentityError> {
        Self::read(folder, FILE)
    }

    /// A new key in a file of its own, whole or not there.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn create(folder: &Folder, name: &str) -> Result<Self, IdentityError> {
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, &SystemRandom::new());
        folder.write(name, made.map_err(|_| IdentityError::Key)?.as_ref())?;
        Self::read(folder, name)?.ok_or(IdentityError::Key)
    }

    /// The key in a file of `folder`, if there is one.
    ///
    /// # Errors
    /// When others can read it, or it is something else.
    pub fn read(folder: &Folder, name: &str) -> Result<Option<Self>, IdentityError> {
        let Some(bytes) = folder.read(name)? else { return Ok(None) };
        let path = folder.path(name);
        let found = path.symlink_metadata().map_err(|source| FolderError::Io { path: path.clone(), source })?;
        if !found.is_file() || found.mode() & 0o077 != 0 {
            return Err(FolderError::Open(path).into());
        }
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, &bytes).map_err(|_| IdentityError::Key)?;
        Ok(Some(Self { pair, pkcs8: bytes.into() }))
    }

    /// A request for a certificate, in PEM form: the public key and the proof of having the private one. What the
    /// certificate says is the server's decision.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn certificate_request(&self, name: &RunnerName) -> Result<String, IdentityError> {
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(&self.pkcs8, &PKCS_ECDSA_P384_SHA384)
            .map_err(|_| IdentityError::Key)?;
        let mut request = CertificateParams::default();
        request.distinguished_name = rcgen::DistinguishedName::new();
        request.distinguished_name.push(DnType::CommonName, name.as_str());
        request.serialize_request(&pair).and_then(|request| request.pem()).map_err(|_| IdentityError::Key)
    }

    /// Whether a certificate is for this key.
    pub fn fits(&self, certificate: &CertificateDer<'_>) -> bool {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let certified = CertifiedKey::from_der(vec![certificate.clone().into_owned()], self.for_tls(), &provider);
        certified.is_ok_and(|certified| certified.keys_match().is_ok())
    }

    /// Signs `message`: ECDSA P-384 with SHA-384, ASN.1.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, IdentityError> {
        let signature = self.pair.sign(&SystemRandom::new(), message).map_err(|_| IdentityError::Key)?;
        Ok(signature.as_ref().to_vec())
    }

    /// The key as TLS wants it.
    pub fn for_tls(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.pkcs8.clone_key())
    }
}

impl fmt::Debug for RunnerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunnerKey([REDACTED])")
    }
}

//! What is taken from a certificate signing request: a public key whose private half the sender holds.

use rcgen::SubjectPublicKeyInfo;
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer, pem::PemObject};
use x509_parser::{
    certification_request::X509CertificationRequest,
    oid_registry::{
        OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION, OID_PKCS1_SHA256WITHRSA,
        OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA, OID_SIG_ECDSA_WITH_SHA256, OID_SIG_ECDSA_WITH_SHA384,
    },
    prelude::FromDer,
    public_key::PublicKey,
    x509::SubjectPublicKeyInfo as ParsedKey,
};

use super::PkiError;

/// A request with an RSA key of 8192 bits has some 2,300 bytes, in PEM a third more.
const MOST_BYTES: usize = 8 * 1024;

/// The public key of a request, DER or PEM, after the proof of possession.
///
/// # Errors
/// [`PkiError::Request`] with what is wrong, for whoever sent it.
pub fn proven_key(csr: &[u8]) -> Result<SubjectPublicKeyInfo, PkiError> {
    let refused = |why| Err(PkiError::Request(why));
    if csr.len() > MOST_BYTES {
        return refused("it is larger than 8 KiB");
    }
    let der = if csr.trim_ascii_start().starts_with(b"-----BEGIN ") {
        match CertificateSigningRequestDer::from_pem_slice(csr) {
            Ok(der) => der.to_vec(),
            Err(_) => return refused("it is no CERTIFICATE REQUEST in PEM form"),
        }
    } else {
        csr.to_vec()
    };
    let Ok((rest, request)) = X509CertificationRequest::from_der(&der) else {
        return refused("it is not in the form of PKCS #10");
    };
    if !rest.is_empty() {
        return refused("there is something after its end");
    }
    let key = &request.certification_request_info.subject_pki;
    let algorithm = &request.signature_algorithm.algorithm;
    let fits = if is_p384(key) {
        [OID_SIG_ECDSA_WITH_SHA384, OID_SIG_ECDSA_WITH_SHA256].contains(algorithm)
    } else if is_large_rsa(key) {
        [OID_PKCS1_SHA256WITHRSA, OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA].contains(algorithm)
    } else {
        return refused("its key must be ECDSA P-384, or RSA with 4096 to 8192 bits");
    };
    if !fits || request.verify_signature().is_err() {
        return refused("its signature does not prove that you hold the private key");
    }
    SubjectPublicKeyInfo::from_der(key.raw).map_err(|_| PkiError::Request("its key cannot be read"))
}

/// The public key's bytes of a certificate.
pub(super) fn public_key_of(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(parsed.public_key().subject_public_key.data.to_vec())
}

fn is_p384(key: &ParsedKey<'_>) -> bool {
    let curve = key.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok());
    key.algorithm.algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY && curve == Some(OID_NIST_EC_P384)
}

fn is_large_rsa(key: &ParsedKey<'_>) -> bool {
    let bits = match key.parsed() {
        Ok(PublicKey::RSA(rsa)) => rsa.key_size(),
        _ => return false,
    };
    key.algorithm.algorithm == OID_PKCS1_RSAENCRYPTION && (4096..=8192).contains(&bits)
}

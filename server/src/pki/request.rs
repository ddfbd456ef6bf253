//! Certificate signing requests: the public key, after its proof of possession is verified.

use super::PkiError;
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

/// Maximum size. A request with an 8192-bit RSA key has about 2,300 bytes, a third more in PEM format.
const MAX_BYTES: usize = 8 * 1024;

/// In the label of every private key in PEM format (RFC 7468, RFC 5915, and that of OpenSSL).
const PRIVATE_KEY: &[u8] = b"PRIVATE KEY";

/// Returns the public key of a request in DER or PEM format, after its proof of possession is verified.
///
/// # Errors
/// Fails with [`PkiError::Request`] with the reason for the client.
pub fn proven_key(csr: &[u8]) -> Result<SubjectPublicKeyInfo, PkiError> {
    let rejected = |reason| Err(PkiError::Request(reason));
    if csr.len() > MAX_BYTES {
        return rejected("it is larger than 8 KiB");
    }
    // PEM may have sections before and after the request.
    if csr.windows(PRIVATE_KEY.len()).any(|window| window == PRIVATE_KEY) {
        return rejected(
            "it contains a private key, which is no longer secret: create a new key and send only the request",
        );
    }
    let der = if csr.trim_ascii_start().starts_with(b"-----BEGIN ") {
        match CertificateSigningRequestDer::from_pem_slice(csr) {
            Ok(der) => der.to_vec(),
            Err(_) => return rejected("it is not a CERTIFICATE REQUEST in PEM format"),
        }
    } else {
        csr.to_vec()
    };
    let Ok((rest, request)) = X509CertificationRequest::from_der(&der) else {
        return rejected("it is not a valid PKCS #10 request");
    };
    if !rest.is_empty() {
        return rejected("it has trailing data");
    }
    let key = &request.certification_request_info.subject_pki;
    let algorithm = &request.signature_algorithm.algorithm;
    let algorithm_matches = if is_p384(key) {
        [OID_SIG_ECDSA_WITH_SHA384, OID_SIG_ECDSA_WITH_SHA256].contains(algorithm)
    } else if is_large_rsa(key) {
        [OID_PKCS1_SHA256WITHRSA, OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA].contains(algorithm)
    } else {
        return rejected("its key must be ECDSA P-384, or RSA with 4096 to 8192 bits");
    };
    if !algorithm_matches || request.verify_signature().is_err() {
        return rejected("its signature does not match its public key");
    }
    SubjectPublicKeyInfo::from_der(key.raw).map_err(|_| PkiError::Request("its key cannot be read"))
}

/// Returns the public key bytes of a certificate.
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

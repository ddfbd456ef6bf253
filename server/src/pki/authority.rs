//! Certificate authority: its key and certificate, and the template of issued certificates.

use super::{ORGANIZATION, PkiError, Serial, request};
use crate::{atomic_file, keys::SecretsDir};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P384_SHA384, SanType, SerialNumber,
};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use secrecy::{ExposeSecret, SecretString};
use std::{fs, path::Path};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

const CA_DAYS: i64 = 3_650;
const RUNNER_DAYS: i64 = 90;
/// Certificates are valid from one day earlier, so that clock differences and corrections do not lock runners out.
const CLOCK_SKEW: Duration = Duration::hours(24);

/// Runner certificate authority.
#[derive(Debug)]
pub struct Authority {
    pub(super) issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
}

/// Issued certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    pub pem: String,
    pub der: CertificateDer<'static>,
    pub serial: Serial,
    pub not_before: OffsetDateTime,
    pub not_after: OffsetDateTime,
}

impl Authority {
    /// Opens or creates the authority: the key in the secrets directory, the certificate `runners-ca.pem` in the data directory.
    ///
    /// # Errors
    /// Fails if key or certificate cannot be read or created, or do not match.
    pub fn open_or_create(secrets: &SecretsDir, data_dir: &Path, now: OffsetDateTime) -> Result<Self, PkiError> {
        let key = secrets.read_or_create("runners-ca.key", || {
            KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)
                .map(|key| SecretString::from(key.serialize_pem()))
                .map_err(|error| crate::keys::KeyError::System(format!("the key could not be generated: {error}")))
        })?;
        let key = KeyPair::from_pkcs8_pem_and_sign_algo(key.expose_secret(), &PKCS_ECDSA_P384_SHA384)?;
        let path = data_dir.join("runners-ca.pem");
        let wrong = |reason: &str| PkiError::File { path: path.clone(), reason: reason.to_owned() };
        if !path.exists() {
            let pem = ca_certificate(&key, now)?;
            atomic_file::replace(&path, pem.as_bytes(), 0o644).map_err(|error| wrong(&error.to_string()))?;
        }
        let pem = fs::read_to_string(&path).map_err(|error| wrong(&error.to_string()))?;
        let certificate =
            CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| wrong("it contains no certificate"))?;
        if request::public_key_of(&certificate) != Some(key.public_key_raw().to_vec()) {
            return Err(wrong("it does not match the key secrets/runners-ca.key; restore the matching certificate"));
        }
        let issuer = Issuer::from_ca_cert_der(&certificate, key)?;
        Ok(Self { issuer, certificate, pem })
    }

    /// Returns the CA certificate, which verifies client certificates and which runners trust.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Returns the public key; nodes of a deployment share it.
    pub fn public_key(&self) -> Vec<u8> {
        request::public_key_of(&self.certificate).unwrap_or_default()
    }

    /// Returns the CA certificate in PEM format, for enrollment responses.
    pub fn certificate_pem(&self) -> &str {
        &self.pem
    }

    /// Issues a runner certificate from our template (S-03). Only the public key of `csr` (DER or PEM) is used, after its proof of
    /// possession is verified.
    ///
    /// # Errors
    /// Fails with [`PkiError::Request`] if the request is malformed, larger than 8 KiB, not signed by its key, or contains a private key,
    /// or if its key is neither ECDSA P-384 nor RSA with 4096 to 8192 bits.
    pub fn issue_runner_certificate(
        &self,
        csr: &[u8],
        runner: Uuid,
        name: &str,
        tenant: Uuid,
        now: OffsetDateTime,
    ) -> Result<Issued, PkiError> {
        let key = request::proven_key(csr)?;
        let mut template = dated(now, RUNNER_DAYS)?;
        template.params.distinguished_name.push(DnType::CommonName, common_name(name));
        template.params.distinguished_name.push(DnType::OrganizationName, ORGANIZATION);
        template.params.distinguished_name.push(DnType::OrganizationalUnitName, tenant.to_string());
        template.params.subject_alt_names = vec![SanType::URI(runner.urn().to_string().try_into()?)];
        template.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(template, &key)
    }

    pub(super) fn sign(&self, template: Template, key: &impl rcgen::PublicKeyData) -> Result<Issued, PkiError> {
        let certificate = template.params.signed_by(key, &self.issuer)?;
        Ok(Issued {
            pem: certificate.pem(),
            der: certificate.der().clone(),
            serial: template.serial,
            not_before: template.params.not_before,
            not_after: template.params.not_after,
        })
    }
}

/// Unsigned certificate.
pub(super) struct Template {
    pub(super) params: CertificateParams,
    serial: Serial,
}

/// Returns a template for a signature certificate with a random serial number, valid for `days` days.
pub(super) fn dated(now: OffsetDateTime, days: i64) -> Result<Template, PkiError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        crate::keys::KeyError::System(format!("the operating system provides no randomness: {error}"))
    })?;
    let mut params = CertificateParams::default();
    // X.509 has whole seconds; report the same times as the certificate.
    let now = now.replace_nanosecond(0).unwrap_or(now);
    params.not_before = now - CLOCK_SKEW;
    params.not_after = now + Duration::days(days);
    params.serial_number = Some(SerialNumber::from_slice(&bytes));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    Ok(Template { params, serial: Serial(u128::from_be_bytes(bytes)) })
}

/// Returns the name without control characters, cut to 64 characters (RFC 5280, appendix A). It is informational; the URI identifies the runner.
fn common_name(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_control()).take(64).collect()
}

fn ca_certificate(key: &KeyPair, now: OffsetDateTime) -> Result<String, PkiError> {
    let mut params = dated(now, CA_DAYS)?.params;
    params.distinguished_name.push(DnType::CommonName, "Castellan runners");
    params.distinguished_name.push(DnType::OrganizationName, ORGANIZATION);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = false;
    Ok(params.self_signed(key)?.pem())
}

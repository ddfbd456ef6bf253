//! The authority itself: one key, one certificate, and the template it signs.

use std::{fs, io::Write, path::Path};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P384_SHA384, SanType, SerialNumber,
};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use secrecy::{ExposeSecret, SecretString};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{ORGANIZATION, PkiError, Serial, request};
use crate::keys::SecretsDir;

const CA_DAYS: i64 = 3_650;
const RUNNER_DAYS: i64 = 90;
/// Clocks differ, and are set right by hours: a certificate counts from the day before, or a runner that enrolled while the
/// clock was wrong would stay out until it is as late again.
const CLOCK_SKEW: Duration = Duration::hours(24);

/// The runners' certificate authority.
#[derive(Debug)]
pub struct Authority {
    pub(super) issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
}

/// A certificate for a runner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The certificate in PEM form.
    pub pem: String,
    /// The certificate in DER form.
    pub der: CertificateDer<'static>,
    /// Its serial number, to look its state up by.
    pub serial: Serial,
    /// When it begins to count.
    pub not_before: OffsetDateTime,
    /// When it ends to count.
    pub not_after: OffsetDateTime,
}

impl Authority {
    /// Opens the authority of this installation, making it at the first start: the key among the secrets, the
    /// certificate `runners-ca.pem` in the data folder.
    ///
    /// # Errors
    /// When key or certificate cannot be read or made, or do not belong together.
    pub fn open_or_create(secrets: &SecretsDir, data_dir: &Path, now: OffsetDateTime) -> Result<Self, PkiError> {
        let key = secrets.read_or_create("runners-ca.key", || {
            KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)
                .map(|key| SecretString::from(key.serialize_pem()))
                .map_err(|error| crate::keys::KeyError::System(format!("no key could be made: {error}")))
        })?;
        let key = KeyPair::from_pkcs8_pem_and_sign_algo(key.expose_secret(), &PKCS_ECDSA_P384_SHA384)?;
        let path = data_dir.join("runners-ca.pem");
        let wrong = |reason: &str| PkiError::File { path: path.clone(), reason: reason.to_owned() };
        if !path.exists() {
            write_new(&path, &ca(&key, now)?).map_err(|error| wrong(&error.to_string()))?;
        }
        let pem = fs::read_to_string(&path).map_err(|error| wrong(&error.to_string()))?;
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| wrong("no certificate in it"))?;
        if request::public_key_of(&certificate) != Some(key.public_key_raw().to_vec()) {
            return Err(wrong("it does not belong to the key secrets/runners-ca.key; restore the one that does"));
        }
        let issuer = Issuer::from_ca_cert_der(&certificate, key)?;
        Ok(Self { issuer, certificate, pem })
    }

    /// The authority's certificate, which runners trust and which client certificates are checked with.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The public half of its key: nodes with the same one speak for each other.
    pub fn public_key(&self) -> Vec<u8> {
        request::public_key_of(&self.certificate).unwrap_or_default()
    }

    /// The certificate in PEM form, as it is handed to runners at enrollment.
    pub fn certificate_pem(&self) -> &str {
        &self.pem
    }

    /// Issues a runner's certificate from our own template (S-03). Of `csr`, DER or PEM, only the public key is
    /// taken, after the proof that its sender holds the private one.
    ///
    /// # Errors
    /// [`PkiError::Request`] when the request is malformed, too large, unsigned, or its key is not ECDSA P-384 or
    /// RSA of 4096 bits or more.
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

/// A certificate that is still to be signed.
pub(super) struct Template {
    pub(super) params: CertificateParams,
    serial: Serial,
}

/// A certificate for signatures of `days` days, with nothing in it yet but its serial number.
pub(super) fn dated(now: OffsetDateTime, days: i64) -> Result<Template, PkiError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| crate::keys::KeyError::System(format!("the operating system gives no randomness: {error}")))?;
    let mut params = CertificateParams::default();
    // X.509 knows whole seconds; what we report is what stands in the certificate.
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

/// X.509 allows 64 characters here (RFC 5280, appendix A); the name is for people, the URI says who it is.
fn common_name(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_control()).take(64).collect()
}

fn ca(key: &KeyPair, now: OffsetDateTime) -> Result<String, PkiError> {
    let mut params = dated(now, CA_DAYS)?.params;
    params.distinguished_name.push(DnType::CommonName, "Castellan runners");
    params.distinguished_name.push(DnType::OrganizationName, ORGANIZATION);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = false;
    Ok(params.self_signed(key)?.pem())
}

/// Writes a file that must not be there yet, whole or not at all.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let draft = path.with_extension(format!("pem.{}", std::process::id()));
    let mut file = fs::File::create(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

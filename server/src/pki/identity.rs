//! Runner identity in client certificates, parsed strictly: anything unexpected is rejected.

use super::{ORGANIZATION, PkiError, Serial};
use domain::Timestamp;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use x509_parser::{
    certificate::X509Certificate,
    extensions::GeneralName,
    oid_registry::{OID_X509_ORGANIZATION_NAME, OID_X509_ORGANIZATIONAL_UNIT},
    x509::AttributeTypeAndValue,
};

/// Certificates with less remaining validity are renewed.
const RENEWAL_THRESHOLD: Duration = Duration::days(30);

/// Runner that a certificate was issued to. The serial number is used to check that the certificate is still valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunnerPeer {
    pub runner: Uuid,
    pub tenant: Uuid,
    pub serial: Serial,
    pub not_after: OffsetDateTime,
}

impl RunnerPeer {
    /// Returns whether the runner should renew this certificate.
    pub fn is_renewal_due(&self, now: Timestamp) -> bool {
        OffsetDateTime::from_unix_timestamp(now.seconds()).is_ok_and(|now| self.not_after - now < RENEWAL_THRESHOLD)
    }
}

/// Parses the identity from a certificate that TLS has already verified.
///
/// # Errors
/// Fails with [`PkiError::Identity`] if it does not have exactly the form that we issue.
pub fn runner_identity(certificate: &[u8]) -> Result<RunnerPeer, PkiError> {
    parse(certificate).map_err(PkiError::Identity)
}

fn parse(der: &[u8]) -> Result<RunnerPeer, &'static str> {
    let (rest, certificate) = x509_parser::parse_x509_certificate(der).map_err(|_| "it is malformed")?;
    if !rest.is_empty() {
        return Err("it has trailing data");
    }
    let subject = certificate.subject();
    if only(subject.iter_by_oid(&OID_X509_ORGANIZATION_NAME)) != Some(ORGANIZATION) {
        return Err("its organization is unexpected");
    }
    let tenant = only(subject.iter_by_oid(&OID_X509_ORGANIZATIONAL_UNIT)).and_then(strict_uuid);
    is_for_clients_only(&certificate)?;
    Ok(RunnerPeer {
        runner: runner(&certificate).ok_or("it names no runner")?,
        tenant: tenant.ok_or("it names no tenant")?,
        serial: serial(certificate.raw_serial()).ok_or("its serial number is not of our format")?,
        not_after: certificate.validity().not_after.to_datetime(),
    })
}

/// Returns the value of an attribute that occurs exactly once.
fn only<'a>(mut values: impl Iterator<Item = &'a AttributeTypeAndValue<'a>>) -> Option<&'a str> {
    let first = values.next()?.as_str().ok()?;
    values.next().is_none().then_some(first)
}

fn is_for_clients_only(certificate: &X509Certificate<'_>) -> Result<(), &'static str> {
    if certificate.is_ca() {
        return Err("it is a CA certificate");
    }
    let usage = certificate.extended_key_usage().ok().flatten().ok_or("it has no extended key usage")?.value;
    let other = usage.any
        || usage.server_auth
        || usage.code_signing
        || usage.email_protection
        || usage.time_stamping
        || usage.ocsp_signing
        || !usage.other.is_empty();
    if usage.client_auth && !other { Ok(()) } else { Err("it is not restricted to client authentication") }
}

/// Returns the runner ID from the only alternative name, a URN (RFC 9562).
fn runner(certificate: &X509Certificate<'_>) -> Option<Uuid> {
    let names = &certificate.subject_alternative_name().ok()??.value.general_names;
    match names.as_slice() {
        [GeneralName::URI(urn)] => strict_uuid(urn.strip_prefix("urn:uuid:")?),
        _ => None,
    }
}

/// Parses a UUID in canonical form.
fn strict_uuid(text: &str) -> Option<Uuid> {
    text.parse::<Uuid>().ok().filter(|uuid| uuid.to_string() == text)
}

fn serial(bytes: &[u8]) -> Option<Serial> {
    let significant = bytes.iter().position(|byte| *byte != 0).and_then(|start| bytes.get(start..)).unwrap_or_default();
    if significant.len() > 16 {
        return None;
    }
    Some(Serial(significant.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))))
}

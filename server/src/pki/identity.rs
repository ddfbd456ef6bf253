//! Who a client certificate says its holder is, read strictly: anything unexpected is no identity.

use time::OffsetDateTime;
use uuid::Uuid;
use x509_parser::{
    certificate::X509Certificate,
    extensions::GeneralName,
    oid_registry::{OID_X509_ORGANIZATION_NAME, OID_X509_ORGANIZATIONAL_UNIT},
    x509::AttributeTypeAndValue,
};

use super::{ORGANIZATION, PkiError, Serial};

/// The runner a certificate was issued to. Whether it still counts is looked up with the serial number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunnerPeer {
    /// The runner.
    pub runner: Uuid,
    /// Its tenant.
    pub tenant: Uuid,
    /// The certificate's serial number.
    pub serial: Serial,
    /// When the certificate ends to count.
    pub not_after: OffsetDateTime,
}

/// Reads the identity from a certificate that TLS has already checked against our authority.
///
/// # Errors
/// [`PkiError::Identity`] when it is not exactly of the form we issue.
pub fn runner_identity(certificate: &[u8]) -> Result<RunnerPeer, PkiError> {
    read(certificate).map_err(PkiError::Identity)
}

fn read(der: &[u8]) -> Result<RunnerPeer, &'static str> {
    let (rest, certificate) = x509_parser::parse_x509_certificate(der).map_err(|_| "it cannot be read")?;
    if !rest.is_empty() {
        return Err("there is something after its end");
    }
    let subject = certificate.subject();
    if only(subject.iter_by_oid(&OID_X509_ORGANIZATION_NAME)) != Some(ORGANIZATION) {
        return Err("its organization is another");
    }
    let tenant = only(subject.iter_by_oid(&OID_X509_ORGANIZATIONAL_UNIT)).and_then(strict_uuid);
    is_for_clients_only(&certificate)?;
    Ok(RunnerPeer {
        runner: runner(&certificate).ok_or("it names no runner")?,
        tenant: tenant.ok_or("it names no tenant")?,
        serial: serial(certificate.raw_serial()).ok_or("its serial number is not ours")?,
        not_after: certificate.validity().not_after.to_datetime(),
    })
}

/// The one value of an attribute; none where there are several.
fn only<'a>(mut values: impl Iterator<Item = &'a AttributeTypeAndValue<'a>>) -> Option<&'a str> {
    let first = values.next()?.as_str().ok()?;
    values.next().is_none().then_some(first)
}

fn is_for_clients_only(certificate: &X509Certificate<'_>) -> Result<(), &'static str> {
    if certificate.is_ca() {
        return Err("it is an authority's");
    }
    let usage = certificate.extended_key_usage().ok().flatten().ok_or("it does not say what it is for")?.value;
    let other = usage.any
        || usage.server_auth
        || usage.code_signing
        || usage.email_protection
        || usage.time_stamping
        || usage.ocsp_signing
        || !usage.other.is_empty();
    if usage.client_auth && !other { Ok(()) } else { Err("it is not for clients alone") }
}

/// The runner's number from the one alternative name, a URN (RFC 9562).
fn runner(certificate: &X509Certificate<'_>) -> Option<Uuid> {
    let names = &certificate.subject_alternative_name().ok()??.value.general_names;
    match names.as_slice() {
        [GeneralName::URI(urn)] => strict_uuid(urn.strip_prefix("urn:uuid:")?),
        _ => None,
    }
}

/// A UUID in the one form we write.
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

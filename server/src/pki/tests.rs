//! Certificate authority tests with valid and hostile requests.

use super::*;
use crate::keys::SecretsDir;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize,
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use x509_parser::{extensions::GeneralName, parse_x509_certificate};

const NOW: OffsetDateTime = time::macros::datetime!(2026-03-01 12:00:00.5 UTC);
const RUNNER: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001);
const TENANT: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0002);

fn authority() -> (tempfile::TempDir, Authority) {
    let data = tempfile::tempdir().unwrap();
    let secrets = SecretsDir::open_or_create(&data.path().join("secrets")).unwrap();
    let authority = Authority::open_or_create(&secrets, data.path(), NOW).unwrap();
    (data, authority)
}

fn honest(key: &KeyPair) -> Vec<u8> {
    CertificateParams::default().serialize_request(key).unwrap().der().to_vec()
}

fn p384() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap()
}

fn issue(authority: &Authority, csr: &[u8]) -> Result<Issued, PkiError> {
    authority.issue_runner_certificate(csr, RUNNER, "build-1", TENANT, NOW)
}

fn refusal(authority: &Authority, csr: &[u8]) -> &'static str {
    match issue(authority, csr) {
        Err(PkiError::Request(why)) => why,
        other => panic!("not refused: {other:?}"),
    }
}

/// S-03.
#[test]
fn a_runner_certificate_follows_our_template() {
    let (_data, authority) = authority();
    let key = p384();
    let issued = issue(&authority, &honest(&key)).unwrap();
    let (_, certificate) = parse_x509_certificate(&issued.der).unwrap();
    assert_eq!(certificate.subject().to_string(), format!("CN=build-1, O=Castellan, OU={TENANT}"));
    assert_eq!(certificate.public_key().subject_public_key.data.as_ref(), key.public_key_raw());
    let names = &certificate.subject_alternative_name().unwrap().unwrap().value.general_names;
    assert_eq!(names, &[GeneralName::URI(&format!("urn:uuid:{RUNNER}"))]);
    let usage = certificate.key_usage().unwrap().unwrap().value;
    assert_eq!(usage.flags, 1, "digitalSignature alone");
    assert!(!certificate.is_ca());
    assert_eq!(issued.not_before, NOW.replace_nanosecond(0).unwrap() - Duration::hours(24));
    assert_eq!(issued.not_after, NOW.replace_nanosecond(0).unwrap() + Duration::days(90));
    assert!(issued.serial.0 != 0);
    certificate
        .verify_signature(Some(parse_x509_certificate(authority.certificate()).unwrap().1.public_key()))
        .unwrap();
    let pem = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    issue(&authority, pem.as_bytes()).unwrap();
}

#[test]
fn an_issued_identity_can_be_read_back() {
    let (_data, authority) = authority();
    for _ in 0..20 {
        let issued = issue(&authority, &honest(&p384())).unwrap();
        let peer = RunnerPeer { runner: RUNNER, tenant: TENANT, serial: issued.serial, not_after: issued.not_after };
        assert_eq!(runner_identity(&issued.der).unwrap(), peer);
    }
}

#[test]
fn everything_in_a_request_except_its_key_is_ignored() {
    let (_data, authority) = authority();
    let key = p384();
    let mut greedy = CertificateParams::new(vec!["castellan.example.org".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    greedy.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    greedy.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    greedy.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::Any];
    greedy.distinguished_name.push(DnType::OrganizationalUnitName, Uuid::nil().to_string());
    greedy.custom_extensions = vec![CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0])];
    let issued = issue(&authority, greedy.serialize_request(&key).unwrap().der()).unwrap();
    let plain = issue(&authority, &honest(&key)).unwrap();
    let shape = |der: &[u8]| {
        let (_, certificate) = parse_x509_certificate(der).unwrap();
        let extensions: Vec<_> =
            certificate.extensions().iter().map(|e| (e.oid.to_string(), e.value.to_vec())).collect();
        (certificate.subject().to_string(), extensions)
    };
    assert_eq!(shape(&issued.der), shape(&plain.der));
}

#[test]
fn weak_and_unsupported_keys_are_rejected_but_a_large_rsa_key_is_accepted() {
    let (_data, authority) = authority();
    for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_ED25519] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        assert!(refusal(&authority, &honest(&key)).contains("P-384"));
    }
    let rsa = |size| KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, size).unwrap();
    assert!(refusal(&authority, &honest(&rsa(RsaKeySize::_2048))).contains("4096"));
    issue(&authority, &honest(&rsa(RsaKeySize::_4096))).unwrap();
}

#[test]
fn a_modified_request_or_one_signed_by_another_key_is_rejected() {
    let (_data, authority) = authority();
    let key = p384();
    let good = honest(&key);
    let mut bad_signature = good.clone();
    *bad_signature.last_mut().unwrap() ^= 1;
    assert!(refusal(&authority, &bad_signature).contains("public key"));
    // The public key of another person in the request.
    let (mine, theirs) = (key.public_key_raw().to_vec(), p384().public_key_raw().to_vec());
    let at = good.windows(mine.len()).position(|window| window == mine).unwrap();
    let mut stolen = good.clone();
    stolen[at..at + theirs.len()].copy_from_slice(&theirs);
    assert!(refusal(&authority, &stolen).contains("public key"));
    let mut longer = good;
    longer.push(0);
    assert!(refusal(&authority, &longer).contains("trailing data"));
}

/// S-02: everybody who sees the request could use the key.
#[test]
fn s_02_a_request_with_its_private_key_is_rejected() {
    let (_data, authority) = authority();
    let key = p384();
    let request = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    let private = key.serialize_pem();
    let old = private.replace("PRIVATE KEY", "EC PRIVATE KEY");
    for both in [
        format!("{private}{request}"),
        format!("{request}{private}"),
        format!("{old}{request}"),
        format!("{request}\n-----BEGIN ENCRYPTED PRIVATE KEY-----\n"),
    ] {
        assert!(refusal(&authority, both.as_bytes()).contains("contains a private key"), "{both}");
    }
    issue(&authority, request.as_bytes()).unwrap();
}

#[test]
fn garbage_is_rejected_without_a_panic() {
    let (_data, authority) = authority();
    let good = honest(&p384());
    assert!(refusal(&authority, &vec![0x30; 1 << 20]).contains("larger"));
    for garbage in [
        &b""[..],
        b"hello",
        b"-----BEGIN ",
        b"-----BEGIN CERTIFICATE REQUEST-----\n!!!\n",
        &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
    ] {
        refusal(&authority, garbage);
    }
    for end in 0..good.len() {
        refusal(&authority, &good[..end]);
    }
    for at in 0..good.len() {
        let mut flipped = good.clone();
        flipped[at] ^= 0xff;
        refusal(&authority, &flipped);
    }
}

#[test]
fn a_runner_name_cannot_inject_subject_attributes() {
    let (_data, authority) = authority();
    let name = format!("build\0\n,OU={}{}", Uuid::nil(), "x".repeat(500));
    let issued = authority.issue_runner_certificate(&honest(&p384()), RUNNER, &name, TENANT, NOW).unwrap();
    assert_eq!(runner_identity(&issued.der).unwrap().tenant, TENANT);
}

#[test]
fn certificates_of_another_form_are_rejected() {
    let (_data, authority) = authority();
    assert!(runner_identity(b"").is_err());
    assert!(runner_identity(authority.certificate()).is_err());
    let issued = issue(&authority, &honest(&p384())).unwrap();
    assert!(runner_identity(&[issued.der.as_ref(), b"x"].concat()).is_err());

    let forms: [fn(&mut CertificateParams); 6] = [
        |params| params.subject_alt_names.push(rcgen::SanType::DnsName("a.example".try_into().unwrap())),
        |params| params.subject_alt_names.clear(),
        |params| params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth),
        |params| params.extended_key_usages.clear(),
        |params| params.distinguished_name.push(DnType::OrganizationName, "Other"),
        |params| params.distinguished_name.push(DnType::OrganizationalUnitName, "not-a-tenant"),
    ];
    let key = p384();
    let mut honest_params = CertificateParams::default();
    honest_params.distinguished_name.push(DnType::OrganizationName, ORGANIZATION);
    honest_params.distinguished_name.push(DnType::OrganizationalUnitName, TENANT.to_string());
    honest_params.subject_alt_names = vec![rcgen::SanType::URI(RUNNER.urn().to_string().try_into().unwrap())];
    honest_params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    honest_params.serial_number = Some(rcgen::SerialNumber::from(7));
    runner_identity(honest_params.self_signed(&key).unwrap().der()).unwrap();
    for (number, change) in forms.into_iter().enumerate() {
        let mut params = honest_params.clone();
        change(&mut params);
        assert!(runner_identity(params.self_signed(&key).unwrap().der()).is_err(), "form {number}");
    }
}

#[test]
fn the_authority_is_stable_and_rejects_a_mismatched_key() {
    let (data, authority) = authority();
    let secrets = SecretsDir::open_or_create(&data.path().join("secrets")).unwrap();
    let again = Authority::open_or_create(&secrets, data.path(), NOW + Duration::days(5)).unwrap();
    assert_eq!(authority.certificate_pem(), again.certificate_pem());
    std::fs::remove_file(secrets.path("runners-ca.key")).unwrap();
    assert!(Authority::open_or_create(&secrets, data.path(), NOW).is_err());
}

#[test]
fn the_ports_certificate_is_renewed_with_fewer_than_thirty_days_left() {
    let (_data, authority) = authority();
    let config = crate::config::load_from(None, std::iter::empty()).unwrap();
    let port = PortCertificate::new(&authority, &config, NOW).unwrap();
    assert!(!port.renew_if_due(&authority, NOW + Duration::days(59)).unwrap());
    assert!(port.renew_if_due(&authority, NOW + Duration::days(61)).unwrap());
    assert!(!port.renew_if_due(&authority, NOW + Duration::days(62)).unwrap());
}

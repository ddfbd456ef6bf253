//! Enrollment attacks: reused tokens, hostile names and certificate requests (S-01).
use crate::{
    client::{Credential, Response},
    people::{Browser, Person},
    program::Program,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, PKCS_ECDSA_P384_SHA384, SanType};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde_json::{Value, json};
use testkit::ADAM;
use x509_parser::parse_x509_certificate;

/// Returns a new key and its PEM certificate request, adjusted by `wish`.
pub fn csr(wish: impl FnOnce(&mut CertificateParams)) -> (KeyPair, String) {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let mut params = CertificateParams::default();
    wish(&mut params);
    let pem = params.serialize_request(&key).unwrap().pem().unwrap();
    (key, pem)
}

/// Returns an enrollment request.
pub fn form(name: &str, csr: &str) -> Value {
    json!({ "name": name, "version": "1", "capabilities": ["bash"], "csr": csr })
}

impl Program {
    pub async fn enroll(&self, token: &str, form: &Value) -> Response {
        self.post(Credential::Key(token), "/api/v1/runners/enroll", form).await
    }
}

async fn begin(program: &mut Program) -> (Person, Browser) {
    program.tenant("acme");
    let adam = program.person(ADAM, "acme");
    program.start().await;
    let admin = program.sign_in(&adam.email).await;
    (adam, admin)
}

/// S-01: the second use of a token is refused and audited.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_01_an_enrollment_token_makes_one_runner() {
    let mut program = Program::sqlite();
    let (adam, admin) = begin(&mut program).await;
    let token =
        program.act(Credential::Browser(&admin), "runners/enroll", &[("name", "build-1")]).await.is(200).secret();
    let request = form("build-1", &csr(|_| ()).1);
    let (one, two) = tokio::join!(program.enroll(&token, &request), program.enroll(&token, &request));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 403], "{one}\n{two}");
    program.enroll(&token, &form("build-1", &csr(|_| ()).1)).await.is(403);
    let refused: Vec<_> =
        program.audit(&adam.key, None).await.into_iter().filter(|record| record["outcome"] == "refused").collect();
    assert_eq!(refused.len(), 2, "{refused:#?}");
    assert!(refused.iter().all(|record| record["target_kind"] == "enrollment"), "{refused:#?}");
    for stranger in ["reg_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &adam.key, "reg_$(id)"] {
        program.enroll(stranger, &request).await.is(401);
    }
}

/// CVE-2022-36633: names with special characters are refused in tokens and certificates.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_name_enrolls_nothing() {
    let mut program = Program::sqlite();
    let (_, admin) = begin(&mut program).await;
    let long = "a".repeat(64);
    for name in
        ["", "x;rm -rf /", "$(id)", "../../etc/passwd", "Build", "a\nb", "a b", "<script>", "local\u{202e}", "ü", &long]
    {
        let response = program.act(Credential::Browser(&admin), "runners/enroll", &[("name", name)]).await;
        assert_eq!(response.status, 422, "{name:?}: {response}");
    }
    let token =
        program.act(Credential::Browser(&admin), "runners/enroll", &[("name", "build-1")]).await.is(200).secret();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    assert!(token.chars().all(plain), "{token}");
    let pem = csr(|_| ()).1;
    for other in ["build-2", "build-1\n", "BUILD-1", "build-1;id", ""] {
        program.enroll(&token, &form(other, &pem)).await.is(422);
    }
    for capability in ["bash;id", "../bash", "BASH", ""] {
        let mut request = form("build-1", &pem);
        request["capabilities"] = json!([capability]);
        program.enroll(&token, &request).await.is(422);
    }
    for pem in ["", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", "nothing"] {
        program.enroll(&token, &form("build-1", pem)).await.is(422);
    }
    program.enroll(&token, &form("build-1", &pem)).await.is(201); // none of these attempts used up the token
}

/// S-03: the issued certificate ignores other names, extensions and CA flags in the request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_03_extra_names_in_a_certificate_request_are_ignored() {
    let mut program = Program::sqlite();
    let (_, admin) = begin(&mut program).await;
    let token =
        program.act(Credential::Browser(&admin), "runners/enroll", &[("name", "build-1")]).await.is(200).secret();
    let (_, pem) = csr(|params| {
        params.distinguished_name.push(DnType::CommonName, "admin");
        params.distinguished_name.push(DnType::OrganizationalUnitName, "another tenant");
        params.subject_alt_names = vec![SanType::DnsName("localhost".try_into().unwrap())];
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    let response = program.enroll(&token, &form("build-1", &pem)).await;
    if response.status == 422 {
        return; // rejected before the body is read
    }
    let identity = response.is(201).json();
    let der = CertificateDer::from_pem_slice(identity["certificate"].as_str().unwrap().as_bytes()).unwrap();
    let (_, certificate) = parse_x509_certificate(&der).unwrap();
    let subject = format!("CN=build-1, O=Castellan, OU={}", identity["tenant"].as_str().unwrap());
    assert_eq!(certificate.subject().to_string(), subject);
    let names = certificate.subject_alternative_name().unwrap().unwrap().value.general_names.len();
    assert!(names == 1 && !certificate.is_ca());
}

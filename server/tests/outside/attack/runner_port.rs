//! Unauthenticated connections to the runner port (S-04).
use super::enrollment::{csr, form};
use crate::{
    client::Credential,
    people::Person,
    program::Program,
    timeouts::{DEFAULT_TIMEOUT, until, with_timeout},
};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P384_SHA384};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, version};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, pem::PemObject};
use serde_json::Value;
use std::{fs, sync::Arc};
use testkit::ADAM;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Starts a deployment and enrolls a runner whose key the test holds.
async fn begin(program: &mut Program) -> (Person, Value, KeyPair) {
    program.tenant("acme");
    let adam = program.person(ADAM, "acme");
    program.start().await;
    let admin = program.sign_in(&adam.email).await;
    let token =
        program.act(Credential::Browser(&admin), "runners/enroll", &[("name", "build-1")]).await.is(200).secret();
    let (key, pem) = csr(|_| ());
    let identity = program.enroll(&token, &form("build-1", &pem)).await.is(201).json();
    (adam, identity, key)
}

fn der(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(key.serialize_der()).into()
}

/// Returns whether the port accepts the connection and answers an HTTP/2 preface.
async fn is_accepted(
    program: &Program,
    endpoint: &str,
    who: Option<Identity>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> bool {
    let authority = fs::read(program.data().join("runners-ca.pem")).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&authority).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_protocol_versions(versions).unwrap().with_root_certificates(roots);
    let mut config = match who {
        Some((certificate, key)) => config.with_client_auth_cert(certificate, key).unwrap(),
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(endpoint).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let talk = async {
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.ok()?;
        let mut byte = [0];
        stream.read_exact(&mut byte).await.ok()
    };
    with_timeout(DEFAULT_TIMEOUT, "the port accepts or closes", talk).await.is_some()
}

/// S-04: the port requires TLS 1.3 and a certificate of our authority.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_04_the_runner_port_requires_our_certificate() {
    let mut program = Program::sqlite();
    let (_, identity, key) = begin(&mut program).await;
    let endpoint = identity["runner_endpoint"].as_str().unwrap();
    let ours = CertificateDer::from_pem_slice(identity["certificate"].as_str().unwrap().as_bytes()).unwrap();
    let both: &[_] = &[&version::TLS13, &version::TLS12];

    assert!(is_accepted(&program, endpoint, Some((vec![ours.clone()], der(&key))), both).await, "the runner itself");
    assert!(
        !is_accepted(&program, endpoint, Some((vec![ours.clone()], der(&key))), &[&version::TLS12]).await,
        "TLS 1.2"
    );
    assert!(!is_accepted(&program, endpoint, None, both).await, "without a certificate");

    // The same subject in a self-signed certificate.
    let own = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "build-1");
    params.distinguished_name.push(DnType::OrganizationName, "Castellan");
    params.distinguished_name.push(DnType::OrganizationalUnitName, identity["tenant"].as_str().unwrap());
    let forged = params.self_signed(&own).unwrap().der().clone();
    assert!(!is_accepted(&program, endpoint, Some((vec![forged], der(&own))), both).await, "a forged certificate");
    // K-05: both connections with valid TLS but without a valid certificate are logged.
    let failures = until("both failures are logged", async || {
        let lines = program.server_log();
        let failures = lines.lines().filter(|line| line.contains("agent_connection_failure")).map(str::to_owned);
        Some(failures.collect::<Vec<_>>()).filter(|failures| failures.len() == 2)
    });
    assert!(failures.await.iter().all(|line| line.contains("127.0.0.1")));
}

/// The port does not answer plain text.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_04_the_runner_port_does_not_answer_plain_text() {
    let mut program = Program::sqlite();
    let (_, identity, _) = begin(&mut program).await;
    for request in ["GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut stream = TcpStream::connect(identity["runner_endpoint"].as_str().unwrap()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut message = vec![];
        let _end = with_timeout(DEFAULT_TIMEOUT, "the connection is closed", stream.read_to_end(&mut message)).await; // a reset counts as closed
        assert!(!String::from_utf8_lossy(&message).contains("HTTP"), "{message:?}");
    }
}

//! TLS and client certificates on the runner port (S-04, E13).

use super::fixture::{self, TestServer, config};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384};
use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    crypto::{CryptoProvider, aws_lc_rs},
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use server::{
    http::{Limits, tls},
    keys::SecretsDir,
    pki::{Authority, PortCertificate},
};
use std::sync::Arc;
use time::macros::datetime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::{TlsConnector, client::TlsStream};
use uuid::Uuid;

const RUNNER: Uuid = Uuid::from_u128(7);

struct Port {
    server: TestServer,
    authority: Authority,
    now: time::OffsetDateTime,
    _data: tempfile::TempDir,
}

fn authority(now: time::OffsetDateTime) -> (tempfile::TempDir, Authority) {
    let data = tempfile::tempdir().unwrap();
    let secrets = SecretsDir::open_or_create(&data.path().join("secrets")).unwrap();
    let authority = Authority::open_or_create(&secrets, data.path(), now).unwrap();
    (data, authority)
}

async fn port() -> Port {
    // TLS validates certificates against the system clock.
    let now = std::time::UNIX_EPOCH.elapsed().map(|age| time::OffsetDateTime::UNIX_EPOCH + age).unwrap();
    let (data, authority) = authority(now);
    let config = config();
    let certificate = PortCertificate::new(&authority, &config, now).unwrap();
    let tls = tls::runner_tls(authority.certificate().clone(), Arc::new(certificate)).unwrap();
    let server = fixture::start_runner_port(tls, Limits::runners(&config)).await;
    Port { server, authority, now, _data: data }
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Port {
    fn enroll(&self, authority: &Authority) -> Identity {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let csr = CertificateParams::default().serialize_request(&key).unwrap();
        let issued = authority.issue_runner_certificate(csr.der(), RUNNER, "r", Uuid::from_u128(8), self.now).unwrap();
        (vec![issued.der], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
    }

    fn client(
        &self,
        provider: CryptoProvider,
        version: &'static rustls::SupportedProtocolVersion,
        identity: Option<Identity>,
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.certificate().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots);
        match identity {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).unwrap(),
            None => builder.with_no_client_auth(),
        }
    }

    /// Returns the response; with TLS 1.3 a rejected client certificate shows only on read.
    async fn call(
        &self,
        client: Arc<ClientConfig>,
    ) -> Result<(String, TlsStream<tokio::net::TcpStream>), std::io::Error> {
        let stream = self.server.connect().await;
        let mut stream = TlsConnector::from(client).connect("localhost".try_into().unwrap(), stream).await?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
        let mut response = String::new();
        stream.read_to_string(&mut response).await?;
        Ok((response, stream))
    }

    async fn refuses(&self, client: ClientConfig) {
        let response = self.call(Arc::new(client)).await;
        assert!(response.is_err(), "{response:?}");
    }
}

#[tokio::test]
async fn an_enrolled_runner_is_identified_by_its_certificate() {
    let port = port().await;
    for suite in
        [aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384, aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256]
    {
        for group in [aws_lc_rs::kx_group::X25519, aws_lc_rs::kx_group::SECP384R1] {
            let provider =
                CryptoProvider { cipher_suites: vec![suite], kx_groups: vec![group], ..aws_lc_rs::default_provider() };
            let client = port.client(provider, &TLS13, Some(port.enroll(&port.authority)));
            let (response, _) = port.call(Arc::new(client)).await.unwrap();
            assert!(response.ends_with(&RUNNER.to_string()), "{response}");
        }
    }
}

/// S-04.
#[tokio::test]
async fn older_tls_other_suites_and_other_groups_are_refused() {
    let port = port().await;
    let identity = || Some(port.enroll(&port.authority));
    port.refuses(port.client(aws_lc_rs::default_provider(), &TLS12, identity())).await;
    let aes128 = vec![aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256];
    let provider = CryptoProvider { cipher_suites: aes128, ..aws_lc_rs::default_provider() };
    port.refuses(port.client(provider, &TLS13, identity())).await;
    let p256 = vec![aws_lc_rs::kx_group::SECP256R1];
    let provider = CryptoProvider { kx_groups: p256, ..aws_lc_rs::default_provider() };
    port.refuses(port.client(provider, &TLS13, identity())).await;
}

#[tokio::test]
async fn a_certificate_of_our_authority_is_required() {
    let port = port().await;
    port.refuses(port.client(tls::runner_provider(), &TLS13, None)).await;
    let (_data, foreign) = authority(port.now);
    port.refuses(port.client(tls::runner_provider(), &TLS13, Some(port.enroll(&foreign)))).await;
    let (_data, long_ago) = authority(datetime!(2020-01-01 0:00 UTC));
    port.refuses(port.client(tls::runner_provider(), &TLS13, Some(port.enroll(&long_ago)))).await;
}

/// E13.
#[tokio::test]
async fn trap_e13_tls_sessions_are_not_resumed() {
    let port = port().await;
    let mut client = port.client(tls::runner_provider(), &TLS13, Some(port.enroll(&port.authority)));
    client.resumption = Resumption::in_memory_sessions(8);
    let client = Arc::new(client);
    for _ in 0..3 {
        let (_, stream) = port.call(Arc::clone(&client)).await.unwrap();
        let connection = stream.get_ref().1;
        assert_eq!(connection.tls13_tickets_received(), 0);
        assert_eq!(connection.handshake_kind(), Some(rustls::HandshakeKind::Full));
    }
}

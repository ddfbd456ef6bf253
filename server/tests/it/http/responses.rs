//! Security headers of every response, and requests that are always rejected.

use super::fixture::{Response, config, read_to_end, start};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use std::fs;

/// Covers successful, failed, rejected and malformed requests.
#[tokio::test]
async fn every_response_has_the_security_headers() {
    let config = config();
    let limits = server::http::Limits::pages(&config);
    let server = start(config, limits).await;
    let big = "x".repeat(2 << 20);
    let many_headers = "A: b\r\n".repeat(200);
    let cases: Vec<(u16, Response)> = vec![
        (200, server.get("/").await),
        (200, server.get("/asset.css").await),
        (200, server.get("/nonce").await),
        (404, server.get("/nowhere").await),
        (
            405,
            server
                .send_raw("DELETE / HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nAuthorization: Bearer k\r\n\r\n")
                .await,
        ),
        (200, server.send_raw("HEAD / HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n").await),
        (405, server.send_raw("OPTIONS / HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n").await),
        (500, server.get("/panic").await),
        (403, server.post("", "x").await),
        (413, server.post("Sec-Fetch-Site: same-origin\r\n", &big).await),
        (421, server.send_raw("GET / HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n").await),
        (421, server.send_raw("GET / HTTP/1.0\r\n\r\n").await),
        (421, server.send_raw("GET http://rebound.example/ HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n").await),
        (400, server.send_raw("not a request\r\n\r\n").await),
        (400, server.send_raw("GET / HTTP/1.1\r\nHost: HOST\r\nbad header\r\n\r\n").await),
        (400, server.send_raw("GET / HTTP/1.1\r\nHost: HOST\r\n\r\nGARBAGE\x01\r\n\r\n").await.last()),
        (431, server.send_raw(&format!("GET / HTTP/1.1\r\nHost: HOST\r\n{many_headers}\r\n")).await),
        (431, server.send_raw(&format!("GET / HTTP/1.1\r\nHost: HOST\r\nA: {}\r\n\r\n", "x".repeat(100_000))).await),
    ];
    for (status, response) in cases {
        assert_eq!(response.status(), status, "{response:?}");
        response.assert_secured();
        assert_eq!(response.header("strict-transport-security"), None, "without TLS");
    }
}

impl Response {
    /// Returns the last of several responses on one connection.
    fn last(self) -> Self {
        let at = self.0.rfind("HTTP/1.1 ").unwrap();
        assert!(at > 0, "one answer only: {:?}", self.0);
        Self(self.0[at..].to_owned())
    }
}

#[tokio::test]
async fn handlers_may_override_only_policy_and_caching_headers() {
    let config = config();
    let limits = server::http::Limits::pages(&config);
    let server = start(config, limits).await;
    assert_eq!(server.get("/nonce").await.header("content-security-policy"), Some("script-src 'nonce-x'"));
    let asset = server.get("/asset.css").await;
    assert_eq!(asset.header("cache-control"), Some("public, max-age=31536000, immutable"));
    let page = server.get("/").await;
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'; frame-ancestors 'none'"));
    assert!(page.header("x-request-id").is_some());
}

#[tokio::test]
async fn a_panic_returns_a_fixed_text_and_the_server_continues() {
    let config = config();
    let limits = server::http::Limits::pages(&config);
    let server = start(config, limits).await;
    let response = server.get("/panic").await;
    assert!(!response.0.contains("forty-two"), "{response:?}");
    assert_eq!(response.header("content-type"), Some("application/problem+json"));
    assert_eq!(server.get("/").await.status(), 200);
}

/// E16 over the wire; the unit tests cover the whole table.
#[tokio::test]
async fn trap_e16_a_foreign_page_changes_nothing() {
    let config = config();
    let limits = server::http::Limits::pages(&config);
    let server = start(config, limits).await;
    let ours = format!("Origin: http://{}\r\n", server.address);
    let table = [
        ("Sec-Fetch-Site: same-origin\r\n", 200),
        ("Sec-Fetch-Site: same-origin\r\nOrigin: null\r\n", 200),
        (ours.as_str(), 200),
        ("Authorization: Bearer mk_1\r\n", 200),
        ("", 403),
        ("Origin: null\r\n", 403),
        ("Origin: https://evil.example\r\n", 403),
        ("Sec-Fetch-Site: none\r\n", 403),
        ("Sec-Fetch-Site: cross-site\r\nAuthorization: Bearer mk_1\r\n", 403),
        ("Origin: https://evil.example\r\nAuthorization: Bearer mk_1\r\n", 403),
    ];
    for (headers, status) in table {
        assert_eq!(server.post(headers, "x").await.status(), status, "{headers:?}");
    }
    let page = server.post("Accept: text/html\r\n", "x").await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.body().contains("Cross-site request") || page.body().contains("Missing origin"), "{}", page.body());
    assert_eq!(server.post("", "x").await.header("content-type"), Some("application/problem+json"));
}

#[tokio::test]
async fn a_body_is_limited_to_one_mebibyte() {
    let config = config();
    let limits = server::http::Limits::pages(&config);
    let server = start(config, limits).await;
    let allowed = server.post("Sec-Fetch-Site: same-origin\r\n", &"x".repeat(1 << 20)).await;
    assert_eq!((allowed.status(), allowed.body()), (200, "1048576 bytes"));
    // Without a content length, the limit applies while the body is read.
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000)).repeat(17);
    let request = "POST /change HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nSec-Fetch-Site: same-origin\r\nTransfer-Encoding: chunked\r\n\r\n";
    let refused = server.send_raw(&format!("{request}{chunk}0\r\n\r\n")).await;
    assert_eq!(refused.status(), 413);
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
}

#[tokio::test]
async fn forwarded_addresses_count_only_from_trusted_proxies() {
    let request = "GET /who HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nX-Forwarded-For: 198.51.100.7\r\n\r\n";
    let untrusting = config();
    let limits = server::http::Limits::pages(&untrusting);
    assert_eq!(start(untrusting, limits).await.send_raw(request).await.body(), "127.0.0.1");
    let mut trusting = config();
    trusting.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let limits = server::http::Limits::pages(&trusting);
    assert_eq!(start(trusting, limits).await.send_raw(request).await.body(), "198.51.100.7");
}

/// M-05.
#[tokio::test]
async fn tls_with_certificate_files_sends_hsts() {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let (certificate_file, key_file) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    fs::write(&certificate_file, certificate.pem()).unwrap();
    fs::write(&key_file, key.serialize_pem()).unwrap();

    let mut config = config();
    config.tls.certificate = Some(certificate_file.clone());
    config.tls.key = Some(key_file.clone());
    let limits = server::http::Limits::pages(&config);
    let server = start(config, limits).await;

    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let client = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(client));
        let mut stream = connector.connect("localhost".try_into().unwrap(), server.connect().await).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.address);
        tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
        let response = Response(read_to_end(&mut stream).await);
        assert_eq!(response.status(), 200);
        response.assert_secured();
        assert_eq!(response.header("strict-transport-security"), Some("max-age=31536000"));
    }

    let other = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    fs::write(&key_file, other.serialize_pem()).unwrap();
    let message = super::fixture::tls(&certificate_file, &key_file).unwrap_err().to_string();
    assert!(message.contains("tls.key") && message.contains("key.pem"), "{message}");
    fs::write(&certificate_file, "nothing").unwrap();
    let message = super::fixture::tls(&certificate_file, &key_file).unwrap_err().to_string();
    assert!(message.contains("tls.certificate") && message.contains("cert.pem"), "{message}");
}

//! Test server with a few routes behind the real listener, and a raw HTTP client.

use axum::{
    Extension, Router,
    body::{Body, Bytes},
    extract::Request,
    routing::{get, post},
};
use rustls::ServerConfig;
use server::{
    config::{self, Config},
    http::{
        ClientAddress, Hosts, Limits, Listener, PeerCertificate, SiteCertificate, guard,
        tls::{TlsError, site_tls},
    },
};
use std::{convert::Infallible, net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// A running server that stops when dropped.
pub struct TestServer {
    pub address: SocketAddr,
    pub stop: CancellationToken,
    pub serving: JoinHandle<()>,
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Returns the default configuration with a free port.
pub fn config() -> Config {
    let mut config = config::load_from(None, std::iter::empty()).unwrap();
    config.listen = "127.0.0.1:0".parse().unwrap();
    config
}

/// Returns limits of fractions of a second, so that timeout tests are fast.
pub fn short_limits(config: &Config) -> Limits {
    let limit = Duration::from_millis(300);
    Limits {
        handshake: limit,
        header: limit,
        keep_alive: limit,
        body_idle: Some(limit),
        body_total: Some(limit * 4),
        write_stall: limit,
        shutdown: limit,
        ..Limits::pages(config)
    }
}

/// Returns routes for every kind of response that pages and the API produce.
pub fn routes() -> Router {
    Router::new()
        .route("/", get(|| async { "page" }))
        .route("/asset.css", get(|| async { ([("cache-control", "public, max-age=31536000, immutable")], "a{}") }))
        .route("/nonce", get(|| async { ([("content-security-policy", "script-src 'nonce-x'")], "page") }))
        .route("/change", post(|body: Bytes| async move { format!("{} bytes", body.len()) }))
        .route(
            "/panic",
            get(|| async {
                if true {
                    panic!("the secret is forty-two")
                }
            }),
        )
        .route("/who", get(|Extension(client): Extension<ClientAddress>| async move { client.0.to_string() }))
        .route("/once/{token}", get(|| async { "link" }))
        .route("/events", get(events))
        .route("/flood", get(|| async { Body::from(vec![b'x'; 64 << 20]) }))
}

/// Streams an event every 200 ms for longer than any limit of [`short`].
async fn events() -> Body {
    let ticks = futures::stream::unfold(0, |count| async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        (count < 8).then(|| (Ok::<_, Infallible>(format!("data: {count}\n\n")), count + 1))
    });
    Body::from_stream(ticks)
}

/// Returns the TLS configuration for a certificate and key from files.
pub fn tls(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    site_tls(Arc::new(SiteCertificate::files(certificate, key)?))
}

pub async fn start(config: Config, limits: Limits) -> TestServer {
    let tls = config.tls.certificate.as_ref().zip(config.tls.key.as_ref());
    let tls = tls.map(|(certificate, key)| self::tls(certificate, key).unwrap());
    let listener = Listener::open(config.listen, tls, config.secure(), limits).await.unwrap();
    let address = listener.address().unwrap();
    let hosts = Hosts::new(&config, address);
    let router = guard(routes(), hosts, config.limits.request_body_bytes.get());
    serve(listener, router).await
}

/// Starts a listener like the runner port that answers with the runner id of the client certificate.
pub async fn start_runner_port(tls: std::sync::Arc<rustls::ServerConfig>, limits: Limits) -> TestServer {
    let listener = Listener::open("127.0.0.1:0".parse().unwrap(), Some(tls), true, limits).await.unwrap();
    let router = Router::new().fallback(|request: Request| async move {
        let certificate = request.extensions().get::<PeerCertificate>().unwrap();
        server::pki::runner_identity(&certificate.0).unwrap().runner.to_string()
    });
    serve(listener, router).await
}

async fn serve(listener: Listener, router: Router) -> TestServer {
    let address = listener.address().unwrap();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(listener.serve(router, stop.clone()));
    TestServer { address, stop, serving }
}

impl TestServer {
    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `request`, with `HOST` replaced by the server's address, and reads until the server closes the connection.
    pub async fn send_raw(&self, request: &str) -> Response {
        let mut stream = self.connect().await;
        let request = request.replace("HOST", &self.address.to_string());
        stream.write_all(request.as_bytes()).await.unwrap();
        Response(read_to_end(&mut stream).await)
    }

    pub async fn get(&self, path: &str) -> Response {
        self.send_raw(&format!("GET {path} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n")).await
    }

    pub async fn post(&self, headers: &str, body: &str) -> Response {
        let length = body.len();
        self.send_raw(&format!(
            "POST /change HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        ))
        .await
    }
}

/// A raw HTTP response.
#[derive(Debug)]
pub struct Response(pub String);

impl Response {
    pub fn status(&self) -> u16 {
        self.0.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("no answer: {:?}", self.0))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let head = self.0.split("\r\n\r\n").next()?;
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let mut values = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let first = values.next();
        assert!(values.next().is_none(), "{name} occurs twice in {head}");
        first
    }

    pub fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    /// Checks the security headers that every response must have.
    pub fn assert_secured(&self) {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(self.header(name), Some(value), "{name} in {self:?}");
        }
        for name in ["permissions-policy", "content-security-policy", "cache-control"] {
            assert!(self.header(name).is_some(), "{name} in {self:?}");
        }
    }
}

/// Reads until the server closes the connection, for at most ten seconds.
pub async fn read_to_end(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> String {
    let mut bytes = Vec::new();
    // A reset after the response counts as the end of the connection.
    let _end = timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes))
        .await
        .expect("the server did not close the connection");
    String::from_utf8_lossy(&bytes).into_owned()
}

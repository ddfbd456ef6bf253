//! Timeouts and connection limits of the HTTP listener (E14).

use super::fixture::{Response, config, read_to_end, short_limits, start};
use server::http::MinRate;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, sleep, timeout},
};

/// Sends `start`, then `piece` at intervals shorter than any idle limit; returns the time until the server closed the
/// connection, and its response.
async fn send_slowly(server: &super::fixture::TestServer, start: &str, piece: &str) -> (Duration, Response) {
    let mut stream = server.connect().await;
    let started = Instant::now();
    let start = start.replace("HOST", &server.address.to_string());
    stream.write_all(start.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let dripping = async {
        loop {
            sleep(Duration::from_millis(100)).await;
            if writer.write_all(piece.as_bytes()).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let mut bytes = Vec::new();
    let ended = async {
        let _end =
            timeout(Duration::from_secs(10), reader.read_to_end(&mut bytes)).await.expect("the response was never cut");
    };
    tokio::select! {
        () = dripping => {}
        () = ended => {}
    }
    (started.elapsed(), Response(String::from_utf8_lossy(&bytes).into_owned()))
}

#[tokio::test]
async fn trap_e14_a_client_with_a_slow_header_is_disconnected() {
    let config = config();
    let limits = short_limits(&config);
    let server = start(config, limits).await;
    for (start, piece) in [
        ("", ""),
        ("GET / HTTP/1.1\r\n", "A: b\r\n"),
        ("GET / HTTP/1.1\r\nHost: HOST\r\nX: ", "x"),
        ("PRI * HT", ""),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ""),
    ] {
        let (took, response) = send_slowly(&server, start, piece).await;
        assert!(took < Duration::from_secs(5), "{start:?} lived for {took:?}");
        assert!(!response.0.contains("200 OK"), "{response:?}");
    }
}

#[tokio::test]
async fn trap_e14_a_client_with_a_slow_body_is_disconnected() {
    let config = config();
    let limits = short_limits(&config);
    let server = start(config, limits).await;
    let start = "POST /change HTTP/1.1\r\nHost: HOST\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 1000\r\n\r\n";
    let (took, silent) = send_slowly(&server, start, "").await;
    assert_eq!(silent.status(), 408, "{silent:?}");
    silent.assert_secured();
    assert!(took < Duration::from_secs(5), "{took:?}");
    // The limit for the whole body also applies to clients that keep sending.
    let (took, dripped) = send_slowly(&server, start, "x").await;
    assert_eq!(dripped.status(), 408, "{dripped:?}");
    assert!(took > Duration::from_secs(1) && took < Duration::from_secs(8), "{took:?}");
}

#[tokio::test]
async fn trap_e14_a_client_that_does_not_read_is_disconnected() {
    let config = config();
    let limits = short_limits(&config);
    let server = start(config, limits).await;
    let mut stream = server.connect().await;
    let request = format!("GET /flood HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.address);
    stream.write_all(request.as_bytes()).await.unwrap();
    sleep(Duration::from_millis(1_200)).await;
    let length = read_to_end(&mut stream).await.len();
    assert!(length < 64 << 20, "the response was not cut: {length}");
}

#[tokio::test]
async fn a_silent_tls_client_is_disconnected() {
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let mut config = config();
    config.tls.certificate = Some(folder.path().join("cert.pem"));
    config.tls.key = Some(folder.path().join("key.pem"));
    std::fs::write(folder.path().join("cert.pem"), key.cert.pem()).unwrap();
    std::fs::write(folder.path().join("key.pem"), key.signing_key.serialize_pem()).unwrap();
    let limits = short_limits(&config);
    let server = start(config, limits).await;
    let (took, _) = send_slowly(&server, "", "").await;
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn a_stream_of_events_outlives_every_idle_limit() {
    let config = config();
    let limits = short_limits(&config);
    let server = start(config, limits).await;
    let response = server.get("/events").await;
    assert!(response.0.contains("data: 7"), "{response:?}");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let config = config();
    let limits = short_limits(&config);
    let server = start(config, limits).await;
    let response = server.send_raw("GET / HTTP/1.1\r\nHost: HOST\r\n\r\n").await;
    assert_eq!(response.status(), 200, "the server closed the connection after the response");
}

#[tokio::test]
async fn trap_e14_a_body_below_the_minimum_rate_is_refused_and_one_above_it_is_not() {
    let config = config();
    let mut limits = short_limits(&config);
    // 20 bytes per second; `send_slowly` sends ten pieces per second.
    limits.body_rate = Some(MinRate { grace: Duration::from_millis(500), per_byte: Duration::from_millis(50) });
    limits.body_total = None;
    let server = start(config, limits).await;
    let head = |length: usize| {
        format!(
            "POST /change HTTP/1.1\r\nHost: HOST\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let (took, slow) = send_slowly(&server, &head(1_000), "x").await;
    assert_eq!(slow.status(), 408, "{slow:?}");
    assert!(took > Duration::from_millis(500) && took < Duration::from_secs(5), "{took:?}");
    let (took, steady) = send_slowly(&server, &head(100), "xxxxx").await;
    assert_eq!(steady.status(), 200, "{steady:?}");
    assert!(took > Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn trap_e14_connections_are_limited_per_address() {
    let config = config();
    let mut limits = short_limits(&config);
    limits.header = Duration::from_secs(30);
    limits.keep_alive = Duration::from_secs(30);
    limits.connections_per_address = 3;
    limits.connections = 5;
    let server = start(config, limits).await;
    let mut connections = Vec::new();
    for _ in 0..3 {
        connections.push(server.connect().await);
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(read_to_end(&mut server.connect().await).await, "", "the fourth connection is closed");
    // Another loopback address.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other_client = socket.connect(server.address).await.unwrap();
    let request = format!("GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.address);
    other_client.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(Response(read_to_end(&mut other_client).await).status(), 200);
    // A closed connection frees its slot.
    connections.pop();
    while server.get("/").await.0.is_empty() {
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_shutdown_drains_responses_for_a_limited_time() {
    let config = config();
    let mut limits = short_limits(&config);
    limits.shutdown = Duration::from_millis(600);
    let mut server = start(config, limits).await;
    let mut stream = server.connect().await;
    let request = format!("GET /events HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    stream.write_all(request.as_bytes()).await.unwrap();
    sleep(Duration::from_millis(300)).await;
    server.stop.cancel();
    let started = Instant::now();
    timeout(Duration::from_secs(5), &mut server.serving).await.unwrap().unwrap();
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(500) && took < Duration::from_secs(5), "{took:?}");
    assert!(read_to_end(&mut stream).await.contains("data: 1"), "the stream continued during the grace period");
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err(), "the port is closed");
}

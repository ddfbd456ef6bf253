//! Fuzz targets: one function per parser with the invariants that hold for any input.
use http::{HeaderMap, HeaderValue};
use server::{authentication, http as server_http, live::Position, pki, web};
use std::net::{IpAddr, Ipv4Addr};

pub fn certificate_request(bytes: &[u8]) {
    let _ = pki::proven_key(bytes);
}

pub fn certificate(bytes: &[u8]) {
    let _ = pki::runner_identity(bytes);
}

/// Without a trusted proxy, forwarding headers do not change the client's address.
pub fn forwarded(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let headers = HeaderMap::from_iter([(http::HeaderName::from_static("x-forwarded-for"), value)]);
    let peer = IpAddr::V4(Ipv4Addr::new(10, 1, 2, 3));
    assert_eq!(server_http::client_address(peer, &headers, &[]), peer);
    let _ = server_http::client_address(peer, &headers, &["10.0.0.0/8".parse().unwrap(), "::/0".parse().unwrap()]);
}

pub fn accept_encoding(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let headers = HeaderMap::from_iter([(http::header::ACCEPT_ENCODING, value)]);
    assert!(!web::accepts_brotli(&headers) || bytes.windows(2).any(|word| word == b"br"));
}

/// A parsed value occurs in the header and contains no separator.
pub fn cookie(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let headers = HeaderMap::from_iter([(http::header::COOKIE, value)]);
    for held in authentication::cookies(&headers, "castellan") {
        assert!(
            !held.contains(';') && bytes.windows(held.len() + 1).any(|part| part[1..] == *held.as_bytes()),
            "{held}"
        );
    }
}

/// A parsed position formats to a text that parses to itself.
pub fn event_id(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(position) = text.parse::<Position>() {
        assert_eq!(position.to_string().parse(), Ok(position));
    }
}

/// A redirect target starts with exactly one slash and names no other host.
pub fn own_path(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(path) = web::own_path(text) {
        let path = path.to_string();
        assert!(path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n', '\t']), "{path}");
    }
}

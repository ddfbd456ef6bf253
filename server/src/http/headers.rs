//! The headers that every answer carries, whoever wrote it.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// What a page may load when its handler said nothing: nothing.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// No page of ours uses these; a script that got in shall not either.
const PERMISSIONS: &str = "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), \
                           magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=(), xr-spatial-tracking=()";

/// Always so, whatever a handler says.
const FIXED: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
];

/// What holds unless the handler chose: pages bring a policy with a nonce, hashed assets are cached for long.
const DEFAULTS: [(HeaderName, &str); 2] =
    [(header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "no-store")];

/// One year, as HSTS lists ask for. Without `includeSubDomains`: neighbors' names are not ours to bind.
const HSTS: &str = "max-age=31536000";

/// Adds the security headers; `https` says whether browsers reach us over TLS.
pub(super) fn secure(headers: &mut HeaderMap, https: bool) {
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in DEFAULTS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
}

/// The same headers as lines of an HTTP/1 head, for the answers that are written before a request was understood.
pub(super) fn lines(https: bool) -> Vec<u8> {
    let mut headers = HeaderMap::new();
    secure(&mut headers, https);
    let mut out = Vec::new();
    for (name, value) in &headers {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out
}

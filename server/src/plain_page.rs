//! Standalone error page for browsers, without assets, scripts or a session.
use crate::api_path::folds_to_api;
use axum::response::{Html, IntoResponse, Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use uuid::Uuid;

/// The colors and sizes of style/tokens.css.
const STYLE: &str = "html{background:#fff;color:#161b26}a{color:#3a4fcf}h1{font-size:1.75rem;line-height:1.25;letter-spacing:-.022em}\
    body{font:.875rem/1.5 Inter,system-ui,sans-serif;max-width:36rem;margin:12vh auto;padding:0 1rem}\
    @media (prefers-color-scheme:dark){html{background:#0f1218;color:#e8ebf1}a{color:#9aabff}}";

/// Content security policy that allows only this page's style.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// Returns whether the client accepts HTML. The API never answers with a page.
pub(crate) fn wants_page(headers: &HeaderMap, uri: &Uri) -> bool {
    let mut lines = headers.get_all(header::ACCEPT).iter();
    !folds_to_api(uri.path())
        && lines.any(|line| line.to_str().is_ok_and(|line| line.to_ascii_lowercase().contains("text/html")))
}

/// Renders the page. `title` and `detail` are fixed texts, never parts of the request; `request_id` identifies the request in the log.
pub(crate) fn page(status: StatusCode, title: &str, detail: &str, request_id: Option<Uuid>) -> Response {
    let request_id = request_id.map(|id| format!("<p>Request ID: <code>{id}</code></p>")).unwrap_or_default();
    let html = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
         <title>{title} · Castellan</title><style>{STYLE}</style></head>\
         <body><main><h1>{title}</h1><p>{detail}</p>{request_id}<p><a href=\"/\">Go to the overview</a></p></main></body></html>\n"
    );
    (status, [(header::CONTENT_SECURITY_POLICY, POLICY.clone())], Html(html)).into_response()
}

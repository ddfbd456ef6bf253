//! Static assets, embedded in the binary: compressed, with content digests in their names, cached for a year.
use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use rust_embed::RustEmbed;
use std::{collections::BTreeMap, sync::Arc};

/// Output of `cargo xtask build`. Debug builds read it from disk.
#[derive(RustEmbed)]
#[folder = "../target/site"]
#[allow_missing = true]
struct Files;

/// Rebuilds this crate when the assets change; otherwise a release build would keep the old ones.
const _: Option<&str> = option_env!("CASTELLAN_SITE_DIGEST");

/// Asset manifest: file names with digests, by logical name.
#[derive(Clone, Debug)]
pub struct Site(Arc<BTreeMap<String, String>>);

impl Site {
    /// Loads the embedded manifest.
    pub fn load() -> Self {
        let list = Files::get("manifest.json").and_then(|file| serde_json::from_slice(&file.data).ok());
        Self(Arc::new(list.unwrap_or_default()))
    }

    /// Returns the base name of the wasm file and its JavaScript.
    pub fn output_name(&self) -> String {
        self.0.get("output_name").cloned().unwrap_or_else(|| "castellan".into())
    }

    /// Returns the path of a file.
    pub fn address(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|path| format!("/{path}"))
    }
}

const NOT_FOUND: &str = "File not found.\n";

/// Serves an embedded file. Requests never select files on disk.
pub(super) async fn serve(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let path = format!("pkg/{file}");
    if file.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
        return (StatusCode::NOT_FOUND, NOT_FOUND).into_response(); // debug builds read files from disk
    }
    let brotli = accepts_brotli(&headers).then(|| Files::get(&format!("{path}.br"))).flatten();
    let encoding = brotli.is_some().then_some((header::CONTENT_ENCODING, "br"));
    let Some(content) = brotli.or_else(|| Files::get(&path)) else {
        return (StatusCode::NOT_FOUND, NOT_FOUND).into_response();
    };
    let kind = match file.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::VARY, "accept-encoding"),
    ];
    (headers, encoding.map(|line| [line]), content.data).into_response()
}

/// Returns whether the client accepts Brotli (RFC 9110, section 12.5.3).
pub fn accepts_brotli(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next() == Some("br") && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

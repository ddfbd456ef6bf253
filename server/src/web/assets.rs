//! The site's files, inside the binary: compressed, with the digest of their content in their names, kept for a year.
use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use rust_embed::RustEmbed;
use std::{collections::BTreeMap, sync::Arc};

/// What `cargo xtask build` made. A debug build reads it from the disk.
#[derive(RustEmbed)]
#[folder = "../target/site"]
#[allow_missing = true]
struct Files;

/// Another site is another build: without this line a release would keep the files that it was built with first.
const _: Option<&str> = option_env!("CASTELLAN_SITE_DIGEST");

/// The names of the files, with digests, by their logical names.
#[derive(Clone, Debug)]
pub struct Site(Arc<BTreeMap<String, String>>);

impl Site {
    /// Reads the list that was made with the files.
    pub fn load() -> Self {
        let list = Files::get("manifest.json").and_then(|file| serde_json::from_slice(&file.data).ok());
        Self(Arc::new(list.unwrap_or_default()))
    }

    /// What the wasm file and its JavaScript are called, without their endings.
    pub fn output_name(&self) -> String {
        self.0.get("output_name").cloned().unwrap_or_else(|| "castellan".into())
    }

    /// The path of a file.
    pub fn address(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|place| format!("/{place}"))
    }
}

const NOTHING: &str = "There is no such file.\n";

/// One file. Only those of the list are there; nothing is looked up on the disk by what a request says.
pub(super) async fn serve(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let place = format!("pkg/{file}");
    if file.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
        return (StatusCode::NOT_FOUND, NOTHING).into_response(); // a debug build would look on the disk
    }
    let brotli = accepts_brotli(&headers).then(|| Files::get(&format!("{place}.br"))).flatten();
    let encoding = brotli.is_some().then_some((header::CONTENT_ENCODING, "br"));
    let Some(content) = brotli.or_else(|| Files::get(&place)) else {
        return (StatusCode::NOT_FOUND, NOTHING).into_response();
    };
    let kind = match file.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::VARY, "accept-encoding"),
    ];
    (headers, encoding.map(|line| [line]), content.data).into_response()
}

/// Whether a browser takes a file that is compressed with Brotli (RFC 9110, 12.5.3).
pub fn accepts_brotli(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|word| {
        let mut parts = word.split(';').map(str::trim);
        parts.next() == Some("br") && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

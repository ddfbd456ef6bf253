//! A refusal as its reader wants it: problem+json (RFC 9457) for programs, a line of text for people.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

/// What the door refuses with. Fixed texts: nothing of the request is repeated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    /// What the reader can do.
    pub(super) detail: &'static str,
}

impl Problem {
    /// As problem+json, or as plain text for a reader whose `Accept` asks for a page.
    pub(super) fn answer(self, page: bool) -> Response {
        let Self { status, title, detail } = self;
        if page {
            let text = format!("{title}\n\n{detail}\n");
            return (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response();
        }
        let body = json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail });
        (status, [(header::CONTENT_TYPE, "application/problem+json")], Body::from(body.to_string())).into_response()
    }
}

/// Whether whoever asks is a browser that wants a page.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .any(|accept| accept.to_str().is_ok_and(|accept| accept.to_ascii_lowercase().contains("text/html")))
}

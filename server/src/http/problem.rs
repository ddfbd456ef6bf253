//! A refusal as its reader wants it: problem+json (RFC 9457) for programs, a page for people.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde_json::json;

use super::guard::RequestId;
use crate::plain;

/// What the door refuses with. Fixed texts: nothing of the request is repeated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    /// What the reader can do.
    pub(super) detail: &'static str,
}

impl Problem {
    /// As problem+json, or as a page for a reader whose `Accept` asks for one.
    pub(super) fn answer(self, page: bool, id: Option<RequestId>) -> Response {
        let Self { status, title, detail } = self;
        if page {
            return plain::page(status, title, detail, id.map(|id| id.0));
        }
        let body = json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail });
        (status, [(header::CONTENT_TYPE, "application/problem+json")], Body::from(body.to_string())).into_response()
    }
}

//! The HTTP status of a page, and redirects.
use crate::outcome::{Kind, Refusal};
use http::{HeaderValue, StatusCode};
use leptos::prelude::*;
use parking_lot::Mutex;
use std::sync::Arc;

/// The status and redirect target of the page that is being rendered.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResponseHead(Arc<Mutex<(StatusCode, Option<HeaderValue>)>>);

impl ResponseHead {
    fn set(&self, status: StatusCode, location: Option<HeaderValue>) {
        *self.0.lock() = (status, location);
    }

    pub(crate) fn get(&self) -> (StatusCode, Option<HeaderValue>) {
        self.0.lock().clone()
    }
}

/// Returns the status of a kind of refusal.
pub const fn of(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::SignedOut => StatusCode::UNAUTHORIZED,
        Kind::Forbidden | Kind::Stale => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Responds with the status of a refusal.
pub fn refused(refusal: &Refusal) {
    if let Some(head) = use_context::<ResponseHead>() {
        head.set(of(refusal.kind), None);
    }
}

/// Redirects to a local path (303). A path that is not a valid header value becomes `/`.
pub fn go_to(path: &str) {
    if let Some(head) = use_context::<ResponseHead>() {
        let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
        head.set(StatusCode::SEE_OTHER, Some(location));
    }
}

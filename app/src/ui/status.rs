//! The HTTP status of a page, and sending people to another one.
use crate::outcome::{Kind, Refusal};
use http::{HeaderValue, StatusCode, header::LOCATION};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

/// The status that a refusal is answered with.
pub const fn of(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::SignedOut => StatusCode::UNAUTHORIZED,
        Kind::Forbidden | Kind::Stale => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Answers this page with the status of a refusal.
pub fn refused(refusal: &Refusal) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(of(refusal.kind));
    }
}

/// Answers with "see there" (303) instead of a page. `path` is ours; what cannot stand in a header leads to the first page.
pub fn go_to(path: &str) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(StatusCode::SEE_OTHER);
        response.insert_header(LOCATION, HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/")));
    }
}

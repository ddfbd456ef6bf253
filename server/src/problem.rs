//! A refusal as programs read it: problem+json (RFC 9457). Nothing from inside is shown; it stands in the log.
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use domain::{Denied, Invalid};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use std::borrow::Cow;

/// Why a request was refused, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The kind of problem in words.
    title: &'static str,
    /// The HTTP status once more.
    #[serde(serialize_with = "number")]
    #[schema(value_type = u16)]
    status: StatusCode,
    /// What is wrong in this case, and what to do about it.
    #[schema(value_type = String)]
    detail: Cow<'static, str>,
    /// Which fields or parameters are wrong, where that is the problem.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
    /// When to try again, in seconds, where that is known.
    #[serde(skip)]
    retry_after: Option<u64>,
}

/// A field or parameter that is not what it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Its name.
    field: String,
    /// What is wrong, and what is allowed.
    reason: String,
}

/// When a client may try again after something that passes, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

impl Problem {
    /// A problem of any kind.
    pub fn new(status: StatusCode, title: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: "about:blank", title, status, detail: detail.into(), errors: vec![], retry_after: None }
    }

    /// 400: what was sent cannot be read at all.
    pub fn unreadable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "The request cannot be read", detail)
    }

    /// 401: who asks is not known. Carries `WWW-Authenticate: Bearer` (RFC 6750).
    pub fn unauthorized(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "An API key is needed", detail)
    }

    /// 403: who asks is known, and may not.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Not allowed", detail)
    }

    /// 404: there is no such thing, or it is not for whoever asks; one text for both.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found", "There is nothing here, or nothing that you may see.")
    }

    /// 405: the address is right and the method is not.
    pub fn wrong_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "This method does nothing here",
            "The header Allow names the methods of this address.",
        )
    }

    /// 409: it is not any more what the client saw.
    pub fn conflict(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, "Not possible any more", detail)
    }

    /// 413: more was sent than is taken.
    pub fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "The request is too large",
            "Send less at once. The limit is the setting `limits.request_body_bytes`.",
        )
    }

    /// 422: one field or parameter is not what it must be.
    pub fn wrong_field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        let error = FieldError { field: field.into(), reason: reason.into() };
        let detail = format!("{}: {}.", error.field, error.reason);
        let title = "A value is not what it must be";
        Self { errors: vec![error], ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, title, detail) }
    }

    /// 429: so many at once are not served.
    pub fn too_many(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many at once", detail)
    }

    /// 429: too many came within a time; the next is served in `wait` seconds.
    pub fn too_often(detail: impl Into<Cow<'static, str>>, wait: u64) -> Self {
        let title = "Too many requests";
        Self { retry_after: Some(wait), ..Self::new(StatusCode::TOO_MANY_REQUESTS, title, detail) }
    }

    /// 500: a mistake of ours.
    pub fn broken() -> Self {
        let detail = "It was logged. If it stays, give the administrator the number in x-request-id.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "An error of Castellan stopped this request", detail)
    }

    /// 503: it passes.
    pub fn unavailable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Not available at the moment", detail)
    }
}

impl From<Invalid> for Problem {
    fn from(Invalid { field, reason }: Invalid) -> Self {
        Self::wrong_field(field, reason)
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        Self::forbidden(denied.reason)
    }
}

/// What the outside may know of what went wrong inside.
impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        use store::Error;
        match error {
            Error::NotFound => Self::not_found(),
            Error::Denied(denied) => denied.into(),
            Error::Conflict(conflict) => Self::conflict(conflict.message()),
            Error::OpenTasks(n) => Self::conflict(format!("{n} tasks run or wait there.")),
            Error::Invalid(invalid) => invalid.into(),
            Error::Busy => Self::unavailable("The server is busy. Try again in a moment."),
            Error::Full => {
                tracing::error!(%error, "the disk is full");
                Self::unavailable(
                    "The server's disk is full, and nothing was changed. An administrator has to make room.",
                )
            }
            Error::Database(_) => {
                tracing::error!(%error, "the database refused");
                Self::unavailable("The database does not answer as it should. Try again in a moment.")
            }
            Error::Corrupt(_) | Error::Unusable(_) => {
                tracing::error!(%error, "the store cannot go on");
                Self::broken()
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, wait) = (self.status, self.retry_after.map_or(RETRY_AFTER, HeaderValue::from));
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(header::RETRY_AFTER, wait);
            }
            _ => {}
        }
        response
    }
}

fn number<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}

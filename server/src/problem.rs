//! Error responses in the format problem+json (RFC 9457). Internal details go to the log only.
use crate::plain_page;
use app::refusal::{conflict_text, denied_text, quota_text};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use domain::{Denied, Invalid};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use std::borrow::Cow;
use store::{Limited, QuotaExceeded};
use uuid::Uuid;

/// Error response (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Always `about:blank`; the status defines the problem type.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Short summary of the problem type.
    title: &'static str,
    /// HTTP status code.
    #[serde(serialize_with = "serialize_status")]
    #[schema(value_type = u16)]
    status: StatusCode,
    /// Explanation of this occurrence and how to resolve it.
    #[schema(value_type = String)]
    detail: Cow<'static, str>,
    /// Invalid fields or parameters, if any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
    /// Seconds until a retry can succeed, if known.
    #[serde(skip)]
    retry_after: Option<u64>,
}

/// An invalid field or parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Name of the field or parameter.
    field: String,
    /// What is wrong and which values are allowed.
    reason: String,
}

/// Default `Retry-After` of temporary failures, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

impl Problem {
    pub fn new(status: StatusCode, title: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: "about:blank", title, status, detail: detail.into(), errors: vec![], retry_after: None }
    }

    /// 400: the request cannot be parsed.
    pub fn unreadable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Malformed request", detail)
    }

    /// 401: the caller is not authenticated. Sends `WWW-Authenticate: Bearer` (RFC 6750).
    pub fn unauthorized(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "API key required", detail)
    }

    /// 403: the caller lacks the permission.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden", detail)
    }

    /// 404: the object does not exist, or the caller cannot see it; the response does not reveal which.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found", "The resource does not exist, or you do not have access to it.")
    }

    /// 405: the path exists, but not with this method.
    pub fn wrong_method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", "The Allow header lists the supported methods.")
    }

    /// 409: the object has changed since the client read it.
    pub fn conflict(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, "Conflict", detail)
    }

    /// 413: the request exceeds the size limit.
    pub fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "The request is too large",
            "Send a smaller request. The setting `limits.request_body_bytes` defines the limit.",
        )
    }

    /// 422: a field or parameter is invalid.
    pub fn wrong_field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        let error = FieldError { field: field.into(), reason: reason.into() };
        let detail = format!("{}: {}.", error.field, error.reason);
        let title = "Invalid value";
        Self { errors: vec![error], ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, title, detail) }
    }

    /// 429: too many concurrent streams or requests.
    pub fn too_many(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many concurrent requests", detail)
    }

    /// 429: the rate limit is exceeded; the next request is accepted in `wait` seconds.
    pub fn too_often(detail: impl Into<Cow<'static, str>>, wait: u64) -> Self {
        let title = "Too many requests";
        Self { retry_after: Some(wait), ..Self::new(StatusCode::TOO_MANY_REQUESTS, title, detail) }
    }

    /// 429 or 413: a quota is used up until the next day.
    fn over_quota(quota: QuotaExceeded) -> Self {
        let status = match quota.limited {
            Limited::Tasks => StatusCode::TOO_MANY_REQUESTS,
            Limited::Bytes => StatusCode::PAYLOAD_TOO_LARGE,
        };
        let wait = quota.wait.as_secs() + 1;
        Self { retry_after: Some(wait), ..Self::new(status, "Quota exceeded", quota_text(quota)) }
    }

    /// 500: an internal error.
    pub fn broken() -> Self {
        let detail = "The error was logged. If it persists, give the operator the request ID from x-request-id.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error", detail)
    }

    /// 503: a temporary failure.
    pub fn unavailable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Temporarily unavailable", detail)
    }
}

impl Problem {
    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) const fn title(&self) -> &'static str {
        self.title
    }

    /// Responds with an HTML page for browsers, otherwise with problem+json.
    pub(crate) fn respond(self, page: bool, request_id: Option<Uuid>) -> Response {
        if page {
            return plain_page::page(self.status, self.title, &self.detail, request_id);
        }
        self.into_response()
    }
}

impl From<Invalid> for Problem {
    fn from(Invalid { field, reason }: Invalid) -> Self {
        Self::wrong_field(field, reason)
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        Self::forbidden(denied_text(&denied))
    }
}

/// Converts a store error to what the client may know of it.
impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        use store::Error;
        match error {
            Error::NotFound => Self::not_found(),
            Error::Denied(denied) => denied.into(),
            Error::Conflict(conflict) => Self::conflict(conflict_text(conflict)),
            Error::OpenTasks(n) => Self::conflict(format!("{n} tasks are still running or waiting.")),
            Error::Invalid(invalid) => invalid.into(),
            Error::Quota(quota) => Self::over_quota(quota),
            Error::Busy => Self::unavailable("The server is busy. Try again in a moment."),
            Error::Full => {
                tracing::error!(%error, "the disk is full");
                Self::unavailable("The server's disk is full; nothing was changed. The operator must free disk space.")
            }
            Error::Database(_) => {
                tracing::error!(%error, "the database returned an error");
                Self::unavailable("The database returned an error. Try again in a moment.")
            }
            Error::Corrupt(_) | Error::Unusable(_) => {
                tracing::error!(%error, "the store failed");
                Self::broken()
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, known, wait) =
            (self.status, self.retry_after.is_some(), self.retry_after.map_or(RETRY_AFTER, HeaderValue::from));
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
            StatusCode::PAYLOAD_TOO_LARGE if known => {
                headers.insert(header::RETRY_AFTER, wait);
            }
            _ => {}
        }
        response
    }
}

fn serialize_status<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}

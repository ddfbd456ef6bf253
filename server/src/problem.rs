//! Error responses in the format problem+json (RFC 9457). Internal details go to the log only.
use crate::{plain_page, problem_type::ProblemType};
use app::refusal::{conflict_text, denied_text, quota_text};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use domain::{Denied, Invalid, Timestamp};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use std::borrow::Cow;
use store::{Limited, QuotaExceeded};
use uuid::Uuid;

/// Error response (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Type of the problem.
    #[serde(rename = "type", serialize_with = "serialize_type")]
    kind: ProblemType,
    /// Short summary of the problem type.
    title: &'static str,
    /// HTTP status code.
    #[serde(serialize_with = "serialize_status")]
    #[schema(value_type = u16)]
    status: StatusCode,
    /// Explanation of this occurrence and how to resolve it.
    #[schema(value_type = String)]
    detail: Cow<'static, str>,
    /// All invalid fields and parameters that were found, at most 20.
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
    /// Name of the field, parameter or header.
    pub field: String,
    /// JSON Pointer (RFC 6901) to the field, as the fragment of a URI; only of fields of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String)]
    pub pointer: Option<String>,
    /// What is wrong and which values are allowed.
    pub reason: String,
}

impl FieldError {
    /// Creates an error of a parameter or header.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), pointer: None, reason: reason.into() }
    }

    /// Creates an error of a field of the body.
    pub fn in_body(Invalid { field, reason }: Invalid) -> Self {
        Self { pointer: Some(format!("#/{field}")), field, reason }
    }
}

/// Maximum number of invalid fields in a response.
pub(crate) const MAX_ERRORS: usize = 20;

/// Default `Retry-After` of temporary failures, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

impl Problem {
    pub fn new(kind: ProblemType, detail: impl Into<Cow<'static, str>>) -> Self {
        let (title, status) = (kind.title(), kind.status());
        Self { kind, title, status, detail: detail.into(), errors: vec![], retry_after: None }
    }

    /// 400: the request cannot be parsed.
    pub fn unreadable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ProblemType::MalformedRequest, detail)
    }

    /// 401: the caller is not authenticated. Sends `WWW-Authenticate: Bearer` (RFC 6750).
    pub fn unauthorized(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ProblemType::AuthenticationRequired, detail)
    }

    /// 403: the caller lacks the permission.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ProblemType::Forbidden, detail)
    }

    /// 404: the object does not exist, or the caller cannot see it; the response does not reveal which.
    pub fn not_found() -> Self {
        Self::new(ProblemType::NotFound, "The resource does not exist, or you do not have access to it.")
    }

    /// 405: the path exists, but not with this method.
    pub fn wrong_method() -> Self {
        Self::new(ProblemType::MethodNotAllowed, "The Allow header lists the supported methods.")
    }

    /// 409: the object has changed since the client read it.
    pub fn conflict(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ProblemType::Conflict, detail)
    }

    /// 410: retention deleted the output of the task.
    pub fn output_deleted(at: Timestamp) -> Self {
        Self::new(ProblemType::OutputDeleted, app::tasks::output_deleted(at))
    }

    /// 413: the request exceeds the size limit.
    pub fn too_large() -> Self {
        let detail = "Send a smaller request. The setting `limits.request_body_bytes` defines the limit.";
        Self::new(ProblemType::RequestTooLarge, detail)
    }

    /// 422: a field or parameter is invalid.
    pub fn wrong_field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::wrong_fields(vec![FieldError::new(field, reason)])
    }

    /// 422: fields or parameters are invalid.
    pub fn wrong_fields(mut errors: Vec<FieldError>) -> Self {
        errors.truncate(MAX_ERRORS);
        let sentences = errors.iter().map(|error| format!("{}: {}.", error.field, error.reason));
        let detail = sentences.collect::<Vec<_>>().join(" ");
        Self { errors, ..Self::new(ProblemType::InvalidValue, detail) }
    }

    /// 429: the rate limit is exceeded; the next request is accepted in `wait` seconds.
    pub fn too_often(detail: impl Into<Cow<'static, str>>, wait: u64) -> Self {
        Self { retry_after: Some(wait), ..Self::new(ProblemType::TooManyRequests, detail) }
    }

    /// 429 or 413: a quota is used up until the next day.
    fn over_quota(quota: QuotaExceeded) -> Self {
        let kind = match quota.limited {
            Limited::Tasks => ProblemType::TaskQuotaExceeded,
            Limited::Bytes => ProblemType::StorageQuotaExceeded,
        };
        let wait = quota.wait.as_secs() + 1;
        Self { retry_after: Some(wait), ..Self::new(kind, quota_text(quota)) }
    }

    /// 500: an internal error.
    pub fn broken() -> Self {
        let detail = "The error was logged. If it persists, give the operator the request ID from x-request-id.";
        Self::new(ProblemType::InternalError, detail)
    }

    /// 503: a temporary failure.
    pub fn unavailable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ProblemType::Unavailable, detail)
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
            Error::OutputDeleted(at) => Self::output_deleted(at),
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

fn serialize_type<S: serde::Serializer>(kind: &ProblemType, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(kind.urn())
}

fn serialize_status<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}

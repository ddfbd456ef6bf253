//! Problem types of error responses (RFC 9457): a stable URN, a status and a title for each.
use http::StatusCode;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

macro_rules! problem_types {
    ($($variant:ident = $name:literal, $status:ident, $title:literal;)*) => {
        /// Type of a problem. The guide (`docs/api.md`) describes each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ProblemType { $($variant),* }

        impl ProblemType {
            /// All types, by status.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the URN, which never changes.
            pub const fn urn(self) -> &'static str {
                match self { $(Self::$variant => concat!("urn:castellan:problem:", $name)),* }
            }

            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),* }
            }

            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),* }
            }
        }
    };
}

problem_types! {
    MalformedRequest = "malformed-request", BAD_REQUEST, "Malformed request";
    AuthenticationRequired = "authentication-required", UNAUTHORIZED, "Authentication required";
    MultipleCredentials = "multiple-credentials", UNAUTHORIZED, "Multiple credentials";
    Forbidden = "forbidden", FORBIDDEN, "Forbidden";
    CrossSiteRequest = "cross-site-request", FORBIDDEN, "Cross-site request rejected";
    MissingOrigin = "missing-origin", FORBIDDEN, "Missing origin";
    NotFound = "not-found", NOT_FOUND, "Not found";
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "Method not allowed";
    RequestTimeout = "request-timeout", REQUEST_TIMEOUT, "Request timeout";
    Conflict = "conflict", CONFLICT, "Conflict";
    OutputDeleted = "output-deleted", GONE, "Output deleted";
    RequestTooLarge = "request-too-large", PAYLOAD_TOO_LARGE, "Request too large";
    StorageQuotaExceeded = "storage-quota-exceeded", PAYLOAD_TOO_LARGE, "Storage quota exceeded";
    UnsupportedContentType = "unsupported-content-type", UNSUPPORTED_MEDIA_TYPE, "Unsupported content type";
    UnknownHost = "unknown-host", MISDIRECTED_REQUEST, "Unknown host name";
    InvalidValue = "invalid-value", UNPROCESSABLE_ENTITY, "Invalid value";
    TooManyRequests = "too-many-requests", TOO_MANY_REQUESTS, "Too many requests";
    TooManyStreams = "too-many-streams", TOO_MANY_REQUESTS, "Too many open streams";
    TaskQuotaExceeded = "task-quota-exceeded", TOO_MANY_REQUESTS, "Task quota exceeded";
    InternalError = "internal-error", INTERNAL_SERVER_ERROR, "Internal server error";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Temporarily unavailable";
    DatabaseNotReady = "database-not-ready", SERVICE_UNAVAILABLE, "Not ready: database";
    DiskNotReady = "disk-not-ready", SERVICE_UNAVAILABLE, "Not ready: disk";
}

impl PartialSchema for ProblemType {
    fn schema() -> RefOr<Schema> {
        let urns = Self::ALL.iter().map(|kind| kind.urn());
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Stable type of a problem. The guide describes each."))
            .enum_values(Some(urns))
            .into()
    }
}

impl ToSchema for ProblemType {}

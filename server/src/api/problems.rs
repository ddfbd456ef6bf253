//! Problems that operations can answer with, declared for all of them in one place.
use crate::problem::Problem;
use http::StatusCode;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, Content, Header, HeaderBuilder, Paths, Ref, RefOr, Response, ResponseBuilder, path::Operation,
    },
};

/// Operations that can answer with a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    All,
    /// Those with an ID in the path.
    OneObject,
    /// Those that change something; they accept a body.
    Changes,
    /// Those that require a body.
    Bodies,
}

/// Status, name of the shared response, operations, and description.
const PROBLEMS: &[(StatusCode, &str, Of, &str)] = &[
    (
        StatusCode::BAD_REQUEST,
        "MalformedRequest",
        Of::Bodies,
        "The body is not valid JSON; `detail` gives the line and column.",
    ),
    (
        StatusCode::UNAUTHORIZED,
        "Unauthorized",
        Of::All,
        "The API key is missing, unknown, revoked or expired, or the request has a session cookie as well.",
    ),
    (
        StatusCode::FORBIDDEN,
        "Forbidden",
        Of::All,
        "The key lacks the scope or does not work from this address, or its owner lacks the permission.",
    ),
    (StatusCode::NOT_FOUND, "NotFound", Of::OneObject, "The object does not exist, or the key's owner cannot see it."),
    (StatusCode::REQUEST_TIMEOUT, "RequestTimeout", Of::Changes, "The request was not received in time."),
    (
        StatusCode::CONFLICT,
        "Conflict",
        Of::Changes,
        "The object has changed since the caller read it; `detail` explains how.",
    ),
    (
        StatusCode::PAYLOAD_TOO_LARGE,
        "TooLarge",
        Of::Changes,
        "The request is too large, or a quota of stored bytes is used up for today.",
    ),
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedContentType", Of::Bodies, "The content type is not JSON."),
    (StatusCode::MISDIRECTED_REQUEST, "UnknownHost", Of::All, "The server does not answer under this host name."),
    (
        StatusCode::UNPROCESSABLE_ENTITY,
        "InvalidValue",
        Of::All,
        "Fields, parameters or headers are unknown or invalid; `errors` lists all of them.",
    ),
    (
        StatusCode::TOO_MANY_REQUESTS,
        "TooMany",
        Of::All,
        "A rate limit, the quota of tasks for today, or the number of open streams is exceeded.",
    ),
    (StatusCode::INTERNAL_SERVER_ERROR, "InternalError", Of::All, "An internal error, which is in the server's log."),
    (StatusCode::SERVICE_UNAVAILABLE, "Unavailable", Of::All, "The database or the disk is temporarily unavailable."),
];

/// Declares the problems of every operation, as references to shared responses.
pub(super) fn declare(paths: &mut Paths, components: &mut Components) {
    for (path, item) in &mut paths.paths {
        let one_object = path.contains('{');
        if let Some(operation) = &mut item.get {
            refer(operation, |of| of == Of::All || (of == Of::OneObject && one_object));
        }
        for operation in [&mut item.put, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten() {
            let has_body = operation.request_body.is_some();
            refer(operation, |of| match of {
                Of::All | Of::Changes => true,
                Of::OneObject => one_object,
                Of::Bodies => has_body,
            });
        }
    }
    for (status, name, _, description) in PROBLEMS {
        components.responses.insert((*name).to_owned(), response(*status, description).into());
    }
    let mut schemas = vec![(Problem::name().into(), Problem::schema())];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
}

fn refer(operation: &mut Operation, is_of: impl Fn(Of) -> bool) {
    for (status, name, _, _) in PROBLEMS.iter().filter(|(_, _, of, _)| is_of(*of)) {
        let reference = RefOr::Ref(Ref::from_response_name(*name));
        operation.responses.responses.insert(status.as_str().into(), reference);
    }
}

fn response(status: StatusCode, description: &str) -> Response {
    let content = Content::new(Some(Ref::from_schema_name(Problem::name())));
    let response = ResponseBuilder::new().description(description).content("application/problem+json", content);
    let response = match status {
        StatusCode::UNAUTHORIZED => response.header("WWW-Authenticate", header::<String>("`Bearer`")),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            response.header("Retry-After", header::<u32>("Seconds to wait before a retry."))
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            response.header("Retry-After", header::<u32>("Seconds until the quota is renewed, if it was exceeded."))
        }
        _ => response,
    };
    response.build()
}

fn header<T: PartialSchema>(description: &str) -> Header {
    HeaderBuilder::new().schema(Some(T::schema())).description(Some(description)).build()
}

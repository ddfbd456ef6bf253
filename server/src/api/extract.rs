//! Strict request extractors: unknown, duplicate and mistyped fields are rejected by name.
use crate::{authentication::Program, problem::Problem, state::App};
use axum::{
    Json,
    extract::{
        FromRequest, FromRequestParts, Path, Query, Request,
        rejection::{JsonRejection, QueryRejection},
    },
};
use domain::{Action, Allowed, policy::ReadTasks};
use http::{StatusCode, request::Parts};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use std::{error::Error, fmt::Display, str::FromStr};

/// API client that is authorized to read with action `A`. Denials are audited.
#[derive(Debug)]
pub(super) struct Reader<A = ReadTasks> {
    pub program: Program,
    /// Proof of authorization.
    pub allowed: Allowed<A>,
}

impl<A: Action + Default + Send> FromRequestParts<App> for Reader<A> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let program = Program::from_request_parts(parts, app).await?;
        let allowed = app.store.authorize(&program.actor, A::default()).await?;
        Ok(Self { program, allowed })
    }
}

/// ID in the path; an invalid ID gives 404.
#[derive(Debug)]
pub(super) struct Id<T>(pub T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let found = Path::<String>::from_request_parts(parts, state).await.ok();
        found.and_then(|Path(text)| text.parse().ok()).map(Self).ok_or_else(Problem::not_found)
    }
}

/// Query parameters.
#[derive(Debug)]
pub(crate) struct QueryParameters<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for QueryParameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(QueryRejection::FailedToDeserializeQueryString(why)) => Err(invalid_field(&why, "query")),
            Err(other) => Err(Problem::unreadable(other.body_text())),
        }
    }
}

/// JSON request body.
#[derive(Debug)]
pub(super) struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Json::from_request(request, state).await.map(|Json(body)| Self(body)).map_err(|rejection| match rejection {
            JsonRejection::JsonSyntaxError(why) => {
                Problem::unreadable(format!("The body is not valid JSON: {}.", cause(&why)))
            }
            JsonRejection::JsonDataError(why) => invalid_field(&why, "body"),
            JsonRejection::MissingJsonContentType(_) => Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Unsupported content type",
                "Send JSON, with Content-Type: application/json.",
            ),
            other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(),
            _ => Problem::unreadable("The request body is incomplete."),
        })
    }
}

/// Converts a deserializer error (`path: reason at line 1 column 2`) to a problem that names the field.
fn invalid_field(why: &dyn Error, whole: &str) -> Problem {
    let cause = cause(why);
    let text = cause.rsplit_once(" at line ").map_or(cause.as_str(), |(text, _)| text);
    for prefix in ["missing field `", "duplicate field `"] {
        if let Some(field) = text.strip_prefix(prefix) {
            let reason = if prefix.starts_with("missing") { "is required" } else { "must be given only once" };
            return Problem::wrong_field(field.trim_end_matches('`'), reason);
        }
    }
    match text.split_once(": ").filter(|(path, _)| is_name(path)) {
        // Errors of domain types start with their own field name.
        Some((path, reason)) => match reason.split_once(": ").filter(|(name, _)| is_name(name)) {
            Some((_, reason)) => Problem::wrong_field(path, reason),
            None => Problem::wrong_field(path, reason),
        },
        None => Problem::wrong_field(whole, "must be an object with the documented fields"),
    }
}

fn cause(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(' ')
}

/// Parses a query parameter with `FromStr`.
pub(crate) fn parsed<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    String::deserialize(from)?.parse().map(Some).map_err(serde::de::Error::custom)
}

/// Parses a pagination cursor.
pub(super) fn cursor<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
{
    let wrong = |_| serde::de::Error::custom("must be the value of `next` from the previous page");
    String::deserialize(from)?.parse().map(Some).map_err(wrong)
}

/// Parses `true`, `1`, `false` or `0`.
pub(super) fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    match String::deserialize(from)?.as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(serde::de::Error::custom("must be true or false")),
    }
}

/// Parses a page size from 1 to 200.
pub(super) fn limit<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let given = String::deserialize(from)?.parse().ok();
    given
        .filter(|limit| (1..=200).contains(limit))
        .ok_or_else(|| serde::de::Error::custom("must be a number from 1 to 200"))
}

/// Returns the default page size.
pub(super) const fn default_limit() -> u32 {
    50
}

//! Strict request extractors: unknown, duplicate and mistyped fields are rejected by name.
use super::fields;
use crate::{
    authentication::Program,
    problem::{FieldError, Problem},
    problem_type::ProblemType,
    state::App,
};
use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Path, Request, rejection::JsonRejection},
};
use domain::{Action, Allowed, Invalid, policy::ReadTasks};
use http::{StatusCode, request::Parts};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use std::{error::Error, fmt::Display, str::FromStr};

/// Maximum length of the cause of a syntax error, in characters.
const MAX_CAUSE_CHARS: usize = 200;

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
        fields::of_query(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// No query parameters: unknown ones are refused like those of other operations.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoParameters {}

/// JSON request body: the fields that could be read, and the errors of the others.
#[derive(Debug)]
pub(crate) struct JsonBody<T> {
    pub(super) value: T,
    pub(super) errors: Vec<FieldError>,
}

/// Request body that can be checked beyond the types of its fields.
pub(crate) trait Body: DeserializeOwned {
    /// Returns the fields with values that are not allowed.
    fn errors(&self) -> Vec<Invalid>;
}

impl<T> JsonBody<T> {
    /// Returns the value of a check, or adds its error unless the field already has one.
    pub(super) fn check<U>(&mut self, result: Result<U, FieldError>) -> Option<U> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                if self.errors.iter().all(|known| known.field != error.field) {
                    self.errors.push(error);
                }
                None
            }
        }
    }

    /// Returns the body.
    ///
    /// # Errors
    /// Fails with the errors of all fields.
    pub(crate) fn accept(self) -> Result<T, Problem> {
        if self.errors.is_empty() { Ok(self.value) } else { Err(Problem::wrong_fields(self.errors)) }
    }
}

impl<T: Body, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Json(members) = Json::from_request(request, state).await.map_err(|rejection| match rejection {
            JsonRejection::JsonSyntaxError(why) => {
                // The cause names the place, which may be deep inside.
                let why: String = cause(&why).chars().take(MAX_CAUSE_CHARS).collect();
                Problem::unreadable(format!("The body is not valid JSON: {why}."))
            }
            JsonRejection::JsonDataError(_) => {
                Problem::wrong_field("body", "must be an object with the documented fields")
            }
            JsonRejection::MissingJsonContentType(_) => {
                Problem::new(ProblemType::UnsupportedContentType, "Send JSON, with Content-Type: application/json.")
            }
            other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(),
            _ => Problem::unreadable("The request body is incomplete."),
        })?;
        let (value, errors) = fields::of_object::<T>(members)?;
        let mut body = Self { value, errors };
        for invalid in body.value.errors() {
            body.check::<()>(Err(FieldError::in_body(invalid)));
        }
        Ok(body)
    }
}

fn cause(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
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

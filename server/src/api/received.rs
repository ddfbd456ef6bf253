//! What programs send, read strictly: what is unknown, twice or ill-typed is refused by its name.
use crate::{problem::Problem, state::App};
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

use crate::auth::Program;

/// A program that may read what `A` stands for. There is no reading without one; a refusal is recorded.
#[derive(Debug)]
pub(super) struct Reads<A = ReadTasks> {
    /// Who reads.
    pub program: Program,
    /// The proof.
    pub allowed: Allowed<A>,
}

impl<A: Action + Default + Send> FromRequestParts<App> for Reads<A> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let program = Program::from_request_parts(parts, app).await?;
        let allowed = app.store.authorize(&program.actor, A::default()).await?;
        Ok(Self { program, allowed })
    }
}

/// The id in an address. What is no id names nothing.
#[derive(Debug)]
pub(super) struct Id<T>(pub T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let found = Path::<String>::from_request_parts(parts, state).await.ok();
        found.and_then(|Path(text)| text.parse().ok()).map(Self).ok_or_else(Problem::not_found)
    }
}

/// The parameters after the question mark.
#[derive(Debug)]
pub(crate) struct Parameters<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(QueryRejection::FailedToDeserializeQueryString(why)) => Err(wrong(&why, "query")),
            Err(other) => Err(Problem::unreadable(other.body_text())),
        }
    }
}

/// A JSON body.
#[derive(Debug)]
pub(super) struct Sent<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Json::from_request(request, state).await.map(|Json(body)| Self(body)).map_err(|rejection| match rejection {
            JsonRejection::JsonSyntaxError(why) => Problem::unreadable(format!("This is no JSON: {}.", cause(&why))),
            JsonRejection::JsonDataError(why) => wrong(&why, "body"),
            JsonRejection::MissingJsonContentType(_) => Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "This kind of content is not taken",
                "Send JSON, with Content-Type: application/json.",
            ),
            other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(),
            _ => Problem::unreadable("The request's body did not come whole."),
        })
    }
}

/// The problem with a value, named as far as the deserializer names it: `path: reason at line 1 column 2`.
fn wrong(why: &dyn Error, whole: &str) -> Problem {
    let cause = cause(why);
    let text = cause.rsplit_once(" at line ").map_or(cause.as_str(), |(text, _)| text);
    for saying in ["missing field `", "duplicate field `"] {
        if let Some(field) = text.strip_prefix(saying) {
            let reason = if saying.starts_with("missing") { "must be given" } else { "must be given once" };
            return Problem::wrong_field(field.trim_end_matches('`'), reason);
        }
    }
    match text.split_once(": ").filter(|(path, _)| is_name(path)) {
        // A value that says itself what is wrong with it begins with its own name.
        Some((path, reason)) => match reason.split_once(": ").filter(|(name, _)| is_name(name)) {
            Some((_, reason)) => Problem::wrong_field(path, reason),
            None => Problem::wrong_field(path, reason),
        },
        None => Problem::wrong_field(whole, "must be an object with the fields that the documentation names"),
    }
}

fn cause(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(' ')
}

/// Reads a parameter by its type's own rules.
pub(crate) fn parsed<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    String::deserialize(from)?.parse().map(Some).map_err(serde::de::Error::custom)
}

/// Reads the last id of the page before.
pub(super) fn cursor<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
{
    let wrong = |_| serde::de::Error::custom("must be what `next` of the page before says");
    String::deserialize(from)?.parse().map(Some).map_err(wrong)
}

/// Reads `true`, `1`, `false` or `0`.
pub(super) fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    match String::deserialize(from)?.as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(serde::de::Error::custom("must be true or false")),
    }
}

/// Reads how many a page has.
pub(super) fn limit<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let given = String::deserialize(from)?.parse().ok();
    given
        .filter(|limit| (1..=200).contains(limit))
        .ok_or_else(|| serde::de::Error::custom("must be a number from 1 to 200"))
}

/// How many a page has unless said otherwise.
pub(super) const fn usual_limit() -> u32 {
    50
}

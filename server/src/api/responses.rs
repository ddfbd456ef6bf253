//! Response types that operations share: list pages and problems.
use crate::problem::Problem;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::{
    IntoResponses, PartialSchema, ToSchema,
    openapi::{Content, HeaderBuilder, Ref, RefOr, Response, ResponseBuilder},
};

/// One page of a list, newest items first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct List<T: ToSchema> {
    /// Items of this page.
    items: Vec<T>,
    /// Value of `after` for the next page; null on the last page.
    next: Option<String>,
}

impl<T: ToSchema> List<T> {
    pub(super) fn from_page<R>(page: store::Page<R>, item: impl Fn(R) -> T) -> Self {
        Self { items: page.items.into_iter().map(item).collect(), next: page.next }
    }

    pub(super) fn complete(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// Problems that every operation can return.
#[derive(Debug)]
pub(super) struct CommonProblems;

/// Problem of operations on a single object.
#[derive(Debug)]
pub(super) struct NotFoundProblem;

/// Problems of operations that change data.
#[derive(Debug)]
pub(super) struct WriteProblems;

impl IntoResponses for CommonProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut responses = problems(&[
            (403, "The key lacks the scope, or its owner lacks the permission."),
            (422, "A field or parameter is unknown or invalid; `errors` lists it."),
        ]);
        let bearer = HeaderBuilder::new().schema(Some(String::schema())).description(Some("`Bearer`")).build();
        let unknown =
            problem("The API key is missing, unknown, revoked or expired.").header("WWW-Authenticate", bearer);
        let seconds = HeaderBuilder::new()
            .schema(Some(u32::schema()))
            .description(Some("Seconds to wait before a retry"))
            .build();
        let busy = problem("The database is temporarily unavailable.").header("Retry-After", seconds);
        responses.insert("401".into(), unknown.build().into());
        responses.insert("503".into(), busy.build().into());
        responses
    }
}

impl IntoResponses for NotFoundProblem {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[(404, "The object does not exist, or the key's owner cannot see it.")])
    }
}

impl IntoResponses for WriteProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            (400, "The body is not valid JSON; `detail` gives the line and column."),
            (409, "The object has changed since the caller read it; `detail` explains how."),
            (413, "The body is too large, or a quota of stored bytes is used up for today."),
            (415, "The content type is not JSON."),
        ])
    }
}

fn problems(list: &[(u16, &str)]) -> BTreeMap<String, RefOr<Response>> {
    list.iter().map(|(status, description)| (status.to_string(), problem(description).build().into())).collect()
}

fn problem(description: &str) -> ResponseBuilder {
    let content = Content::new(Some(Ref::from_schema_name(Problem::name())));
    ResponseBuilder::new().description(description).content("application/problem+json", content)
}

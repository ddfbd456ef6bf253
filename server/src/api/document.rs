//! Shapes that many operations share: a page of a list, and the problems that any of them may answer with.
use crate::problem::Problem;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::{
    IntoResponses, PartialSchema, ToSchema,
    openapi::{Content, HeaderBuilder, Ref, RefOr, Response, ResponseBuilder},
};

/// A page of a list, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct List<T: ToSchema> {
    /// What is on it.
    items: Vec<T>,
    /// The value of `after` for the next page; null on the last.
    next: Option<String>,
}

impl<T: ToSchema> List<T> {
    pub(super) fn of<R>(page: store::Page<R>, item: impl Fn(R) -> T) -> Self {
        Self { items: page.items.into_iter().map(item).collect(), next: page.next }
    }

    pub(super) fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// Problems of every operation.
#[derive(Debug)]
pub(super) struct Always;

/// Problems of operations on one thing.
#[derive(Debug)]
pub(super) struct OfOne;

/// Problems of operations that change something.
#[derive(Debug)]
pub(super) struct OfChanges;

impl IntoResponses for Always {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut responses = problems(&[
            (403, "The key does not have the scope, or its owner may not."),
            (422, "A field or parameter is unknown or not what it must be; `errors` names it."),
        ]);
        let bearer = HeaderBuilder::new().schema(Some(String::schema())).description(Some("`Bearer`")).build();
        let unknown =
            problem("There is no key, or it is unknown, revoked or expired.").header("WWW-Authenticate", bearer);
        let seconds = HeaderBuilder::new().schema(Some(u32::schema())).description(Some("Seconds to wait")).build();
        let busy = problem("The database does not answer; it passes.").header("Retry-After", seconds);
        responses.insert("401".into(), unknown.build().into());
        responses.insert("503".into(), busy.build().into());
        responses
    }
}

impl IntoResponses for OfOne {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[(404, "There is no such thing, or the key's owner does not see it.")])
    }
}

impl IntoResponses for OfChanges {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            (400, "The body is no JSON; line and column are named."),
            (409, "It is not any more what the caller saw; `detail` says how."),
            (413, "The body is too large."),
            (415, "The body is not declared as JSON."),
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

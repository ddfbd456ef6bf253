//! What a task prints, for programs: as text, or as it comes.
use super::{
    document::{Always, OfOne},
    received::{Id, Parameters, Reads, flag, parsed},
};
use crate::{
    live::{Follow, Streams, Watcher, events, last_event, text},
    problem::Problem,
    state::App,
};
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{TaskId, policy::ReadTasks};
use http::{HeaderMap, header};
use serde::Deserialize;
use utoipa::IntoParams;

/// How the output is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LogQuery {
    /// Which start of the task, from 1; the latest when left out. Not together with `follow`.
    #[serde(default, deserialize_with = "parsed")]
    #[param(minimum = 1)]
    attempt: Option<u32>,
    /// `1`: server-sent events, until the task has ended and every line was sent.
    #[serde(default, deserialize_with = "flag")]
    #[param(required = false)]
    follow: bool,
}

/// Get a task's output
///
/// As text, every kept line with a line feed: the bytes whose SHA-256 stands in the receipt. With `follow=1` as
/// server-sent events: `state` (a word), `attempt` (a number: the task was started anew, and its lines begin at 1
/// again), `line` (`{"line","at","stream","text"}`) and `end` (the last state). Each has an id; sent back as
/// `Last-Event-ID` it goes on after that line. Needs the scope `tasks:read`.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}/log", tag = "Tasks", security(("bearer" = ["tasks:read"])),
    params(
        ("id" = Uuid, Path, description = "The task's id."),
        LogQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "With `follow`: the id of the last event that came."),
    ),
    responses(
        (status = 200, description = "The output.", content(
            (String = "text/plain"),
            (String = "text/event-stream"),
        )),
        (status = 429, description = "The key's owner follows too many tasks already.", body = Problem,
            content_type = "application/problem+json"),
        Always, OfOne,
    )
)]
pub(super) async fn get_task_log(
    reader: Reads<ReadTasks>,
    State(app): State<App>,
    Extension(streams): Extension<Streams>,
    Id(task): Id<TaskId>,
    Parameters(query): Parameters<LogQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let watcher = Watcher::Program(reader.program);
    if query.follow {
        if query.attempt.is_some() {
            return Err(Problem::wrong_field(
                "attempt",
                "what is followed is the latest start; leave one of the two out",
            ));
        }
        let place = streams.enter(watcher.actor())?;
        let from = last_event(&headers)?.unwrap_or_default();
        let follow = Follow::start(app, watcher, task, from).await?;
        return Ok(events::for_programs(follow, place).into_response());
    }
    let body = text::of(app, watcher, task, query.attempt, text::WHOLE).await?;
    Ok(([(header::CONTENT_TYPE, text::CONTENT_TYPE)], body).into_response())
}

//! Task log operation: the log as text or as server-sent events.
use super::{
    extract::{Id, QueryParameters, Reader, flag, parsed},
    responses::{CommonProblems, NotFoundProblem},
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

/// Parameters of the task log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LogQuery {
    /// Number of the attempt, from 1; by default the latest. Cannot be combined with `follow`.
    #[serde(default, deserialize_with = "parsed")]
    #[param(minimum = 1)]
    attempt: Option<u32>,
    /// Set to `1` to receive server-sent events until the task has ended and all lines are sent.
    #[serde(default, deserialize_with = "flag")]
    #[param(required = false)]
    follow: bool,
}

/// Get or follow a task's log
///
/// Returns the log as text, one line per output line; its SHA-256 is part of the receipt. With `follow=1`, returns
/// server-sent events: `state` (the state), `attempt` (number of a new attempt, whose lines start at 1 again), `line`
/// (`{"line","at","stream","text"}`) and `end` (the final state). To resume a stream, send the ID of the last event as
/// `Last-Event-ID`. Requires the scope `tasks:read`.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}/log", tag = "Tasks", security(("bearer" = ["tasks:read"])),
    params(
        ("id" = Uuid, Path, description = "ID of the task."),
        LogQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "ID of the last event received, to resume with `follow`."),
    ),
    responses(
        (status = 200, description = "The log.", content(
            (String = "text/plain"),
            (String = "text/event-stream"),
        )),
        (status = 429, description = "The key's owner has too many open streams.", body = Problem,
            content_type = "application/problem+json"),
        CommonProblems, NotFoundProblem,
    )
)]
pub(super) async fn get_task_log(
    reader: Reader<ReadTasks>,
    State(app): State<App>,
    Extension(streams): Extension<Streams>,
    Id(task): Id<TaskId>,
    QueryParameters(query): QueryParameters<LogQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let watcher = Watcher::Program(reader.program);
    if query.follow {
        if query.attempt.is_some() {
            return Err(Problem::wrong_field(
                "attempt",
                "cannot be combined with `follow`, which follows the latest attempt",
            ));
        }
        let permit = streams.acquire(watcher.actor())?;
        let from = last_event(&headers)?.unwrap_or_default();
        let follow = Follow::start(app, watcher, task, from).await?;
        return Ok(events::api_log_response(follow, permit).into_response());
    }
    let body = text::log_body(app, watcher, task, query.attempt, text::ALL_LINES).await?;
    Ok(([(header::CONTENT_TYPE, text::CONTENT_TYPE)], body).into_response())
}

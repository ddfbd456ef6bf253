//! Task log operation: the log as text or as server-sent events.
use super::{
    extract::{Id, QueryParameters, Reader, flag, parsed},
    log_events::LogEvent,
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
    /// Number of the attempt; by default the latest. 0 is before the first start, without any lines. Cannot be combined with
    /// `follow`.
    #[serde(default, deserialize_with = "parsed")]
    #[param(minimum = 0)]
    attempt: Option<u32>,
    /// Set to `1` to receive server-sent events until the task has ended and all lines are sent.
    #[serde(default, deserialize_with = "flag")]
    #[param(required = false)]
    follow: bool,
}

/// Headers of the task log.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes what `live::last_event` reads")]
struct LogHeaders {
    /// ID of the last event received, to resume with `follow`: the stream continues after it. An ID that is not of such a stream is
    /// refused with 422; an empty one is none.
    #[param(rename = "Last-Event-ID", pattern = "^(([0-9]{1,9}[.])?[1-9][0-9]{0,17})?$")]
    last_event_id: Option<String>,
}

/// Get or follow a task's log
///
/// Returns the log as text; its SHA-256 is part of the receipt. A line that is stored in parts is one line here.
///
/// With `follow=1`, returns server-sent events (`text/event-stream`) until the task has ended; the schema describes each event. A
/// comment is sent every 15 seconds. To resume after a lost connection, repeat the request with the ID of the last event as
/// `Last-Event-ID`. Requires the scope `tasks:read`.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}/log", tag = "Tasks", security(("bearer" = ["tasks:read"])),
    params(
        ("id" = Uuid, Path, description = "ID of the task."),
        LogQuery,
        LogHeaders,
    ),
    responses(
        (status = 200, description = "The log; events with `follow=1`, described by the schema one by one.", content(
            (String = "text/plain"),
            (LogEvent = "text/event-stream"),
        )),
        (status = 410, description = "The output was deleted under the retention policy; `detail` says when.",
            body = Problem, content_type = "application/problem+json"),
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
    let (watcher, from) = (Watcher::Program(reader.program), last_event(&headers)?.unwrap_or_default());
    if query.follow {
        if query.attempt.is_some() {
            return Err(Problem::wrong_field(
                "attempt",
                "cannot be combined with `follow`, which follows the latest attempt",
            ));
        }
        let permit = streams.acquire(watcher.actor())?;
        let follow = Follow::start(app, watcher, task, from).await?;
        return Ok(events::api_log_response(follow, permit).into_response());
    }
    let body = text::log_body(app, watcher, task, query.attempt, text::ALL_LINES).await?;
    Ok(([(header::CONTENT_TYPE, text::CONTENT_TYPE)], body).into_response())
}

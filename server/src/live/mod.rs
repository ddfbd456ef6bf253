//! Live updates: server-sent events for browsers and API clients, and task log downloads.

pub(crate) mod events;
mod feed;
mod follow;
mod lines;
mod position;
mod streams;
mod subscription;
pub(crate) mod text;
mod watcher;

pub(crate) use follow::Follow;
pub use position::Position;
pub(crate) use position::last_event;
pub(crate) use streams::Streams;
pub(crate) use watcher::Watcher;

use crate::{api::QueryParameters, authentication::SignedIn, metrics::StreamKind, problem::Problem, state::App};
use axum::{
    Extension, Router,
    extract::{Path, State},
    response::IntoResponse,
    routing::get,
};
use domain::TaskId;
use feed::{Feed, Topics};
use http::{HeaderMap, header};
use serde::Deserialize;
use store::EventPosition;

/// Paths of [`routes`].
pub const PATHS: [&str; 5] =
    ["/live", "/tasks/{id}/live", "/tasks/{id}/log", "/tasks/{id}/log/lines", "/tasks/{id}/log/find"];

/// Returns the event streams and log downloads for signed-in browsers.
pub fn routes(app: App) -> Router {
    let [live, task, log, lines, find] = PATHS;
    Router::new()
        .route(live, get(feed))
        .route(task, get(follow))
        .route(log, get(download))
        .route(lines, get(lines::lines))
        .route(find, get(lines::find))
        .layer(Extension(Streams::of(StreamKind::Browser)))
        .with_state(app)
}

/// Parameters of the event feed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeedQuery {
    topics: String,
    /// Mark from when the page was rendered.
    #[serde(default)]
    since: Option<String>,
}

async fn feed(
    SignedIn(browser): SignedIn,
    State(app): State<App>,
    Extension(streams): Extension<Streams>,
    QueryParameters(query): QueryParameters<FeedQuery>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let topics: Topics = query.topics.parse()?;
    let read_at = query.since.map(|text| text.parse::<EventPosition>()).transpose();
    let read_at = read_at.map_err(|_| Problem::wrong_field("since", "must be the mark of the page"))?;
    let since = last_event(&headers)?.or(read_at);
    let permit = streams.acquire(&browser.actor)?;
    Ok(events::feed_response(Feed::start(app, Watcher::Browser(browser), topics, since), permit))
}

/// Parameters to follow a task: the next line and its attempt.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FollowQuery {
    #[serde(default)]
    from: Option<i64>,
    #[serde(default)]
    attempt: Option<u32>,
}

async fn follow(
    SignedIn(browser): SignedIn,
    State(app): State<App>,
    Extension(streams): Extension<Streams>,
    Path(task): Path<String>,
    QueryParameters(query): QueryParameters<FollowQuery>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let task: TaskId = task.parse().map_err(|_| Problem::not_found())?;
    let requested = Position { attempt: query.attempt, line: query.from.unwrap_or(1) };
    let from = last_event(&headers)?.unwrap_or(requested);
    let permit = streams.acquire(&browser.actor)?;
    let follow = Follow::start(app, Watcher::Browser(browser), task, from).await?;
    Ok(events::browser_log_response(follow, permit))
}

/// Parameters of a log download.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DownloadQuery {
    #[serde(default)]
    attempt: Option<u32>,
    /// First line, from 1.
    #[serde(default)]
    from: Option<i64>,
    /// Last line, inclusive.
    #[serde(default)]
    to: Option<i64>,
    /// Removes escape sequences; otherwise the output is unchanged.
    #[serde(default)]
    plain: bool,
}

async fn download(
    SignedIn(browser): SignedIn,
    State(app): State<App>,
    Path(task): Path<String>,
    QueryParameters(query): QueryParameters<DownloadQuery>,
) -> Result<impl IntoResponse, Problem> {
    let task: TaskId = task.parse().map_err(|_| Problem::not_found())?;
    let lines = text::LineRange { from: query.from.unwrap_or(1), to: query.to.unwrap_or(i64::MAX), plain: query.plain };
    let body = text::log_body(app, Watcher::Browser(browser), task, query.attempt, lines).await?;
    let name = format!("attachment; filename=\"task-{task}.log\"");
    Ok(([(header::CONTENT_TYPE, text::CONTENT_TYPE.to_owned()), (header::CONTENT_DISPOSITION, name)], body))
}

//! What changes is told as it happens: server-sent events for browsers and programs.

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

use crate::{api::Parameters, auth::SignedIn, problem::Problem, state::App};
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
use store::Mark;

/// The addresses of [`routes`].
pub const PATHS: [&str; 5] =
    ["/live", "/tasks/{id}/live", "/tasks/{id}/log", "/tasks/{id}/log/lines", "/tasks/{id}/log/find"];

/// The streams of signed-in browsers, and the output of a task as a file.
pub fn routes(app: App) -> Router {
    let [live, task, log, lines, find] = PATHS;
    Router::new()
        .route(live, get(feed))
        .route(task, get(follow))
        .route(log, get(download))
        .route(lines, get(lines::lines))
        .route(find, get(lines::find))
        .layer(Extension(Streams::default()))
        .with_state(app)
}

/// What a page wants to hear of.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeedQuery {
    topics: String,
    /// When the page was read.
    #[serde(default)]
    since: Option<String>,
}

async fn feed(
    SignedIn(browser): SignedIn,
    State(app): State<App>,
    Extension(streams): Extension<Streams>,
    Parameters(query): Parameters<FeedQuery>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let topics: Topics = query.topics.parse()?;
    let read_at = query.since.map(|text| text.parse::<Mark>()).transpose();
    let read_at = read_at.map_err(|_| Problem::wrong_field("since", "must be the mark that the page was given"))?;
    let since = last_event(&headers)?.or(read_at);
    let place = streams.enter(&browser.actor)?;
    Ok(events::of_feed(Feed::start(app, Watcher::Browser(browser), topics, since), place))
}

/// Where a page goes on.
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
    Parameters(query): Parameters<FollowQuery>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let task: TaskId = task.parse().map_err(|_| Problem::not_found())?;
    let asked = Position { attempt: query.attempt, line: query.from.unwrap_or(1) };
    let from = last_event(&headers)?.unwrap_or(asked);
    let place = streams.enter(&browser.actor)?;
    let follow = Follow::start(app, Watcher::Browser(browser), task, from).await?;
    Ok(events::for_browsers(follow, place))
}

/// Which start of the task, and which of its lines.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DownloadQuery {
    #[serde(default)]
    attempt: Option<u32>,
    /// The first line, from 1.
    #[serde(default)]
    from: Option<i64>,
    /// The last line.
    #[serde(default)]
    to: Option<i64>,
    /// As it is read, without escape sequences; else byte for byte as it was printed.
    #[serde(default)]
    plain: bool,
}

async fn download(
    SignedIn(browser): SignedIn,
    State(app): State<App>,
    Path(task): Path<String>,
    Parameters(query): Parameters<DownloadQuery>,
) -> Result<impl IntoResponse, Problem> {
    let task: TaskId = task.parse().map_err(|_| Problem::not_found())?;
    let part = text::Part { from: query.from.unwrap_or(1), to: query.to.unwrap_or(i64::MAX), plain: query.plain };
    let body = text::of(app, Watcher::Browser(browser), task, query.attempt, part).await?;
    let name = format!("attachment; filename=\"task-{task}.log\"");
    Ok(([(header::CONTENT_TYPE, text::CONTENT_TYPE.to_owned()), (header::CONTENT_DISPOSITION, name)], body))
}

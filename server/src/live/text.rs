//! Task log as plain text, streamed page by page.
use super::Watcher;
use crate::{problem::Problem, state::App};
use axum::body::Body;
use bytes::Bytes;
use domain::{TaskId, ansi};
use futures::stream;

pub(crate) const CONTENT_TYPE: &str = "text/plain; charset=utf-8";

/// Range of lines and their format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineRange {
    /// First line, from 1.
    pub(crate) from: i64,
    /// Last line, inclusive.
    pub(crate) to: i64,
    /// Removes escape sequences and invisible characters.
    pub(crate) plain: bool,
}

/// All lines, unchanged.
pub(crate) const ALL_LINES: LineRange = LineRange { from: 1, to: i64::MAX, plain: false };

/// Streams the lines of an attempt, by default the latest, each with a line feed.
///
/// # Errors
/// Fails with 404 if the watcher cannot see the task, 422 if the attempt does not exist or the range is invalid.
pub(crate) async fn log_body(
    app: App,
    watcher: Watcher,
    task: TaskId,
    attempt: Option<u32>,
    range: LineRange,
) -> Result<Body, Problem> {
    let progress = app.store.read(watcher.actor()).await?.progress(task).await?;
    let attempt = attempt.unwrap_or(progress.attempt);
    if attempt > progress.attempt {
        let reason = format!("the task has only {} attempts", progress.attempt);
        return Err(Problem::wrong_field("attempt", reason));
    }
    if range.from < 1 || range.to < range.from {
        return Err(Problem::wrong_field("to", "must be at least `from`, which is at least 1"));
    }
    let pages = stream::try_unfold(range, move |rest| {
        let (app, watcher) = (app.clone(), watcher.clone());
        let first = rest.from == range.from;
        async move {
            if !first && !watcher.is_still_authorized(&app).await {
                return Err(DownloadError::Unauthorized);
            }
            page(&app, &watcher, task, attempt, rest).await
        }
    });
    Ok(Body::from_stream(pages))
}

/// Error that aborts a download: the connection closes before the last chunk.
#[derive(Debug, thiserror::Error)]
enum DownloadError {
    #[error("the session or API key is no longer valid")]
    Unauthorized,
    #[error(transparent)]
    Store(#[from] store::Error),
}

async fn page(
    app: &App,
    watcher: &Watcher,
    task: TaskId,
    attempt: u32,
    range: LineRange,
) -> Result<Option<(Bytes, LineRange)>, DownloadError> {
    if range.from > range.to {
        return Ok(None);
    }
    let page = app.store.read(watcher.actor()).await?.log(task, attempt, range.from).await?;
    if page.lines.is_empty() {
        return Ok(None);
    }
    let mut text = String::new();
    for (_, line) in page.lines.iter().filter(|(number, _)| *number <= range.to) {
        if range.plain {
            text.push_str(&ansi::plain(&line.text))
        } else {
            text.push_str(&line.text)
        }
        text.push('\n');
    }
    Ok(Some((text.into(), LineRange { from: page.next_line, ..range })))
}

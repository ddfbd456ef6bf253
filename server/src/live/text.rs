//! Task log as plain text, streamed page by page.
use super::Watcher;
use crate::{problem::Problem, state::App};
use axum::body::Body;
use bytes::Bytes;
use domain::{TaskId, ansi, log::LineFeeds};
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

/// Streams the lines of an attempt, by default the latest, each with a line feed, and the parts of a long line as one.
///
/// # Errors
/// Fails with 404 if the watcher cannot see the task, 410 if retention deleted its output, 422 if the attempt does not exist or the range is invalid.
pub(crate) async fn log_body(
    app: App,
    watcher: Watcher,
    task: TaskId,
    attempt: Option<u32>,
    range: LineRange,
) -> Result<Body, Problem> {
    let progress = app.store.read(watcher.actor()).await?.progress(task).await?;
    progress.require_output()?;
    let attempt = attempt.unwrap_or(progress.attempt);
    if attempt > progress.attempt {
        let reason = format!("the task has only {} attempts", progress.attempt);
        return Err(Problem::wrong_field("attempt", reason));
    }
    if range.from < 1 || range.to < range.from {
        return Err(Problem::wrong_field("to", "must be at least `from`, which is at least 1"));
    }
    let pages = stream::try_unfold(Some((range, LineFeeds::default())), move |rest| {
        let (app, watcher) = (app.clone(), watcher.clone());
        async move {
            let Some((rest, feeds)) = rest else { return Ok(None) };
            if rest.from != range.from && !watcher.is_still_authorized(&app).await {
                return Err(DownloadError::Unauthorized);
            }
            page(&app, &watcher, task, attempt, rest, feeds).await.map(Some)
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

/// Returns the text of the next lines, and what remains after them.
async fn page(
    app: &App,
    watcher: &Watcher,
    task: TaskId,
    attempt: u32,
    range: LineRange,
    mut feeds: LineFeeds,
) -> Result<(Bytes, Option<(LineRange, LineFeeds)>), DownloadError> {
    let page = match range.from <= range.to {
        true => app.store.read(watcher.actor()).await?.log(task, attempt, range.from).await?.lines,
        false => vec![],
    };
    let Some((last, _)) = page.last() else { return Ok((feeds.end().into(), None)) };
    let mut text = String::new();
    for (_, line) in page.iter().filter(|(number, _)| *number <= range.to) {
        text.push_str(feeds.before(line));
        if range.plain { text.push_str(&ansi::plain(&line.text)) } else { text.push_str(&line.text) }
    }
    Ok((text.into(), Some((LineRange { from: last + 1, ..range }, feeds))))
}

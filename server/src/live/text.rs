//! Output as plain text, page by page as the client takes it.
use super::Watcher;
use crate::{problem::Problem, state::App};
use axum::body::Body;
use bytes::Bytes;
use domain::{TaskId, ansi};
use futures::stream;

/// What it is.
pub(crate) const CONTENT_TYPE: &str = "text/plain; charset=utf-8";

/// Which lines, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// The number of the first.
    pub(crate) from: i64,
    /// The number of the last.
    pub(crate) to: i64,
    /// Without escape sequences and what cannot be seen.
    pub(crate) plain: bool,
}

/// Every line, byte for byte.
pub(crate) const WHOLE: Part = Part { from: 1, to: i64::MAX, plain: false };

/// The kept lines of one start of a task, each with a line feed; the latest start where none is named.
///
/// # Errors
/// 404 where the watcher does not see the task, 422 where it was not started so often or the part makes no sense.
pub(crate) async fn of(
    app: App,
    watcher: Watcher,
    task: TaskId,
    attempt: Option<u32>,
    part: Part,
) -> Result<Body, Problem> {
    let progress = app.store.read(watcher.actor()).await?.progress(task).await?;
    let attempt = attempt.unwrap_or(progress.attempt);
    if attempt > progress.attempt {
        let reason = format!("the task was started {} times so far", progress.attempt);
        return Err(Problem::wrong_field("attempt", reason));
    }
    if part.from < 1 || part.to < part.from {
        return Err(Problem::wrong_field("to", "must be at least `from`, which is at least 1"));
    }
    let pages = stream::try_unfold(part, move |rest| {
        let (app, watcher) = (app.clone(), watcher.clone());
        let first = rest.from == part.from;
        async move {
            if !first && !watcher.may_go_on(&app).await {
                return Err(Broken::Ended);
            }
            page(&app, &watcher, task, attempt, rest).await
        }
    });
    Ok(Body::from_stream(pages))
}

/// Why a text breaks off: the client sees its connection end before the last chunk.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the session or the key ended")]
    Ended,
    #[error(transparent)]
    Store(#[from] store::Error),
}

async fn page(
    app: &App,
    watcher: &Watcher,
    task: TaskId,
    attempt: u32,
    part: Part,
) -> Result<Option<(Bytes, Part)>, Broken> {
    if part.from > part.to {
        return Ok(None);
    }
    let page = app.store.read(watcher.actor()).await?.log(task, attempt, part.from).await?;
    if page.lines.is_empty() {
        return Ok(None);
    }
    let mut text = String::new();
    for (_, line) in page.lines.iter().filter(|(number, _)| *number <= part.to) {
        if part.plain {
            text.push_str(&ansi::plain(&line.text))
        } else {
            text.push_str(&line.text)
        }
        text.push('\n');
    }
    Ok(Some((text.into(), Part { from: page.next_line, ..part })))
}

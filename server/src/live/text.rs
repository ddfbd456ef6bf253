//! Output as plain text, page by page as the client takes it.
use super::Watcher;
use crate::{problem::Problem, state::App};
use axum::body::Body;
use bytes::Bytes;
use domain::TaskId;
use futures::stream;

/// What it is.
pub(crate) const CONTENT_TYPE: &str = "text/plain; charset=utf-8";

/// The kept lines of one start of a task, each with a line feed; the latest start where none is named.
///
/// # Errors
/// 404 where the watcher does not see the task, 422 where it was not started so often.
pub(crate) async fn of(app: App, watcher: Watcher, task: TaskId, attempt: Option<u32>) -> Result<Body, Problem> {
    let progress = app.store.read(watcher.actor()).await?.progress(task).await?;
    let attempt = attempt.unwrap_or(progress.attempt);
    if attempt > progress.attempt {
        let reason = format!("the task was started {} times so far", progress.attempt);
        return Err(Problem::wrong_field("attempt", reason));
    }
    let pages = stream::try_unfold(1, move |from| {
        let (app, watcher) = (app.clone(), watcher.clone());
        async move { page(&app, &watcher, task, attempt, from).await }
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
    from: i64,
) -> Result<Option<(Bytes, i64)>, Broken> {
    if from > 1 && !watcher.may_go_on(app).await {
        return Err(Broken::Ended);
    }
    let page = app.store.read(watcher.actor()).await?.log(task, attempt, from).await?;
    if page.lines.is_empty() {
        return Ok(None);
    }
    let mut text = String::new();
    for (_, line) in &page.lines {
        text.push_str(&line.text);
        text.push('\n');
    }
    Ok(Some((text.into(), page.next_line)))
}

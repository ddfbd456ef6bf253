//! Log viewer endpoints: a range of lines, and a search in all lines.
use super::{Watcher, events::spans};
use crate::{api::QueryParameters, authentication::SignedIn, problem::Problem, state::App};
use axum::{
    Json,
    extract::{Path, State},
};
use domain::TaskId;
use serde::Deserialize;
use serde_json::{Value, json};

/// Maximum number of lines per response.
const MAX_LINES: i64 = 1_000;

/// Maximum number of line numbers in a search result; further matches are only counted.
const MAX_MATCHES: usize = 10_000;

/// Maximum length of the search text, in characters.
const MAX_SEARCH_CHARS: usize = 200;

/// Parameters of a range of lines.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinesQuery {
    attempt: u32,
    /// First line, from 1.
    from: i64,
    /// End of the range, exclusive.
    until: i64,
}

/// Returns `{"next":201,"lines":[{"n","at","s","spans"}]}`, where `next` is the number of the task's next line.
pub(super) async fn lines(
    SignedIn(browser): SignedIn,
    State(app): State<App>,
    Path(task): Path<String>,
    QueryParameters(query): QueryParameters<LinesQuery>,
) -> Result<Json<Value>, Problem> {
    let task: TaskId = task.parse().map_err(|_| Problem::not_found())?;
    let LinesQuery { attempt, from, until } = query;
    if from < 1 || until < from || until - from > MAX_LINES {
        let reason = format!("must be from `from` to `from` + {MAX_LINES}, and `from` at least 1");
        return Err(Problem::wrong_field("until", reason));
    }
    let mut read = app.store.read(Watcher::Browser(browser).actor()).await?;
    let next = read.progress(task).await?.next_line;
    let page = read.log_between(task, attempt, from, until).await?;
    let mut styles = page.styles;
    let lines: Vec<_> = page.lines.iter().map(|(number, line)| spans(*number, line, &mut styles)).collect();
    Ok(Json(json!({ "next": next, "lines": lines })))
}

/// Parameters of a search.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FindQuery {
    attempt: u32,
    text: String,
}

/// Returns `{"total":3,"lines":[7,90,91]}`: the numbers of the lines that contain the text, ignoring case.
pub(super) async fn find(
    SignedIn(browser): SignedIn,
    State(app): State<App>,
    Path(task): Path<String>,
    QueryParameters(query): QueryParameters<FindQuery>,
) -> Result<Json<Value>, Problem> {
    let task: TaskId = task.parse().map_err(|_| Problem::not_found())?;
    if query.text.is_empty() || query.text.chars().count() > MAX_SEARCH_CHARS {
        return Err(Problem::wrong_field("text", format!("must have 1 to {MAX_SEARCH_CHARS} characters")));
    }
    let mut read = app.store.read(Watcher::Browser(browser).actor()).await?;
    let found = read.find_in_log(task, query.attempt, &query.text, MAX_MATCHES).await?;
    Ok(Json(json!({ "total": found.total, "lines": found.lines })))
}

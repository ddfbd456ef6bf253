//! Output for the log viewer: any stretch of lines, and where a text is found among all of them.
use super::{Watcher, events::spans};
use crate::{api::Parameters, auth::SignedIn, problem::Problem, state::App};
use axum::{
    Json,
    extract::{Path, State},
};
use domain::TaskId;
use serde::Deserialize;
use serde_json::{Value, json};

/// How many lines one answer has at most.
const MOST: i64 = 1_000;

/// How many places of a text are named; beyond them they are counted only.
const PLACES: usize = 10_000;

/// The longest text that is sought, in characters.
const LONGEST: usize = 200;

/// Which lines.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinesQuery {
    attempt: u32,
    /// The first.
    from: i64,
    /// The first that is not wanted any more.
    until: i64,
}

/// `{"next":201,"lines":[{"n","at","s","spans"}]}`: `next` is the number that the task's next line gets.
pub(super) async fn lines(
    SignedIn(browser): SignedIn,
    State(app): State<App>,
    Path(task): Path<String>,
    Parameters(query): Parameters<LinesQuery>,
) -> Result<Json<Value>, Problem> {
    let task: TaskId = task.parse().map_err(|_| Problem::not_found())?;
    let LinesQuery { attempt, from, until } = query;
    if from < 1 || until < from || until - from > MOST {
        let reason = format!("must be at least `from`, which is at least 1, and at most {MOST} more");
        return Err(Problem::wrong_field("until", reason));
    }
    let mut read = app.store.read(Watcher::Browser(browser).actor()).await?;
    let next = read.progress(task).await?.next_line;
    let page = read.log_between(task, attempt, from, until).await?;
    let lines: Vec<_> = page.lines.iter().map(|(number, line)| spans(*number, line)).collect();
    Ok(Json(json!({ "next": next, "lines": lines })))
}

/// What is sought.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FindQuery {
    attempt: u32,
    text: String,
}

/// `{"total":3,"lines":[7,90,91]}`: the numbers of the lines that have the text, whatever its case.
pub(super) async fn find(
    SignedIn(browser): SignedIn,
    State(app): State<App>,
    Path(task): Path<String>,
    Parameters(query): Parameters<FindQuery>,
) -> Result<Json<Value>, Problem> {
    let task: TaskId = task.parse().map_err(|_| Problem::not_found())?;
    if query.text.is_empty() || query.text.chars().count() > LONGEST {
        return Err(Problem::wrong_field("text", format!("must have 1 to {LONGEST} characters")));
    }
    let mut read = app.store.read(Watcher::Browser(browser).actor()).await?;
    let found = read.find_in_log(task, query.attempt, &query.text, PLACES).await?;
    Ok(Json(json!({ "total": found.total, "lines": found.lines })))
}

//! Task operations: submit, list, get, cancel.
use super::{
    extract::{Id, JsonBody, QueryParameters, Reader, cursor, default_limit, flag, limit, parsed},
    responses::{CommonProblems, List, NotFoundProblem, WriteProblems},
    task::{CancelledTask, NewTask, SubmittedTask, TaskDetail, TaskSummary},
};
use crate::{authentication::Program, problem::Problem, state::App};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{
    Actor, Invalid, OrganizationId, TaskId,
    policy::{CancelTask, ReadTasks, SubmitTask},
    task::{Submission, SubmissionForm, TaskState},
};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use std::str::FromStr;
use store::{Submitted, TaskFilter};
use utoipa::IntoParams;

/// Submit a task
///
/// Applies the tenant's rules: the task is queued, waits for approval or is denied. Requires the
/// scope `tasks:submit`.
#[utoipa::path(
    post, path = "/api/v1/tasks", tag = "Tasks", security(("bearer" = ["tasks:submit"])),
    request_body = NewTask,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Key chosen by the caller, 1 to 255 visible ASCII characters. Repeating a request with the same key \
            returns the same task; using it for a different submission is a conflict.")),
    responses(
        (status = 201, description = "The task was submitted.", body = SubmittedTask,
            headers(("Location" = String, description = "Path of the task."))),
        (status = 200, description = "The task was already submitted with this idempotency key.", body = SubmittedTask,
            headers(("Idempotency-Replayed" = String, description = "`true`."))),
        CommonProblems, WriteProblems,
    )
)]
pub(super) async fn submit_task(
    program: Program,
    State(app): State<App>,
    headers: HeaderMap,
    JsonBody(form): JsonBody<SubmissionForm>,
) -> Result<Response, Problem> {
    let organization = match form.organization {
        Some(organization) => organization,
        None => only_organization(&app, &program.actor).await?,
    };
    let submission = form.check(organization)?;
    let key = idempotency_key(&headers)?;
    let done = submit(&app, &program.actor, submission, key).await?;
    let body = Json(SubmittedTask { id: done.id, state: done.state, request_digest: done.request_digest });
    if done.repeated {
        return Ok((StatusCode::OK, [("idempotency-replayed", "true")], body).into_response());
    }
    let location = format!("/api/v1/tasks/{}", done.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response())
}

async fn submit(app: &App, actor: &Actor, submission: Submission, key: Option<String>) -> store::Result<Submitted> {
    let proof = app.store.authorize(actor, SubmitTask { submission, idempotency_key: key }).await?;
    let mut write = app.store.write(actor).await?;
    let done = write.submit_task(proof).await?;
    write.commit().await?;
    Ok(done)
}

async fn only_organization(app: &App, actor: &Actor) -> Result<OrganizationId, Problem> {
    let mut read = app.store.read(actor).await?;
    let mut yours = read.organizations().await?;
    yours.retain(|organization| actor.role_in(organization.id).is_some());
    match yours.as_slice() {
        [only] => Ok(only.id),
        [] if read.archived_organizations().await?.iter().any(|archived| actor.role_in(archived.id).is_some()) => {
            let why = "your organizations are archived; an owner or admin must restore one first";
            Err(Invalid::new("organization", why).into())
        }
        [] => {
            Err(Invalid::new("organization", "you are not a member of an organization; an owner must add you first")
                .into())
        }
        _ => {
            let yours: Vec<_> = yours.iter().map(|organization| organization.id.to_string()).collect();
            Err(Invalid::new(
                "organization",
                format!("is required because you are a member of several: {}", yours.join(", ")),
            )
            .into())
        }
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Invalid> {
    let mut given = headers.get_all("idempotency-key").iter();
    let wrong = || Invalid::new("Idempotency-Key", "must appear once, with 1 to 255 visible ASCII characters");
    match (given.next(), given.next()) {
        (None, _) => Ok(None),
        (Some(key), None) => {
            let key = key.to_str().map_err(|_| wrong())?;
            let visible = (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
            if visible { Ok(Some(key.to_owned())) } else { Err(wrong()) }
        }
        _ => Err(wrong()),
    }
}

/// Filters of a list of tasks.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TaskQuery {
    /// Only tasks in these states, separated by commas.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    state: Option<StateFilter>,
    /// Only items of the organization with this ID.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<Uuid>)]
    organization: Option<OrganizationId>,
    /// Only tasks of the key's owner.
    #[serde(default, deserialize_with = "flag")]
    #[param(required = false)]
    mine: bool,
    /// Only tasks with this label, in the form `key=value`.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    label: Option<LabelFilter>,
    /// Only tasks whose title contains words that start with the words of this text.
    #[serde(default)]
    q: Option<String>,
    /// Maximum number of items, 1 to 200.
    #[serde(default = "default_limit", deserialize_with = "limit")]
    #[param(required = false, minimum = 1, maximum = 200, default = 50)]
    limit: u32,
    /// The value of `next` from the previous page.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>)]
    after: Option<TaskId>,
}

/// Comma-separated task states, such as `queued,running`.
#[derive(Debug)]
struct StateFilter(Vec<TaskState>);

impl FromStr for StateFilter {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.split(',').map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// Label in the form `key=value`.
#[derive(Debug)]
struct LabelFilter(String, String);

impl FromStr for LabelFilter {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = text.split_once('=').ok_or("must have the form key=value")?;
        Ok(Self(key.to_owned(), value.to_owned()))
    }
}

/// List tasks
///
/// Returns the tasks that the key's owner can see, newest first. Requires the scope `tasks:read`.
#[utoipa::path(
    get, path = "/api/v1/tasks", tag = "Tasks", security(("bearer" = ["tasks:read"])), params(TaskQuery),
    responses((status = 200, description = "A page of results.", body = List<TaskSummary>), CommonProblems)
)]
pub(super) async fn list_tasks(
    reader: Reader<ReadTasks>,
    State(app): State<App>,
    QueryParameters(query): QueryParameters<TaskQuery>,
) -> Result<Json<List<TaskSummary>>, Problem> {
    let filter = TaskFilter {
        states: query.state.map(|StateFilter(states)| states).unwrap_or_default(),
        organization: query.organization,
        mine: query.mine,
        label: query.label.map(|LabelFilter(key, value)| (key, value)),
        text: query.q,
    };
    let mut read = app.store.read(&reader.program.actor).await?;
    let page = read.tasks(&filter, query.after, query.limit).await?;
    Ok(Json(List::from_page(page, TaskSummary::from)))
}

/// Get a task
///
/// Returns the task with its request, limits and result. Requires the scope `tasks:read`.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}", tag = "Tasks", security(("bearer" = ["tasks:read"])),
    params(("id" = Uuid, Path, description = "ID of the task.")),
    responses((status = 200, description = "The task.", body = TaskDetail), CommonProblems, NotFoundProblem)
)]
pub(super) async fn get_task(
    reader: Reader<ReadTasks>,
    State(app): State<App>,
    Id(id): Id<TaskId>,
) -> Result<Json<TaskDetail>, Problem> {
    let mut read = app.store.read(&reader.program.actor).await?;
    let (task, labels) = (read.task(id).await?, read.labels(id).await?);
    Ok(Json(TaskDetail::new(task, labels)?))
}

/// Cancel a task
///
/// Cancels a waiting task immediately. A running task is stopped by its runner. Requires the scope `tasks:cancel`.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/cancel", tag = "Tasks", security(("bearer" = ["tasks:cancel"])),
    params(("id" = Uuid, Path, description = "ID of the task.")),
    responses((status = 200, description = "The current state of the task.", body = CancelledTask), CommonProblems, NotFoundProblem, WriteProblems)
)]
pub(super) async fn cancel_task(
    program: Program,
    State(app): State<App>,
    Id(id): Id<TaskId>,
) -> Result<Json<CancelledTask>, Problem> {
    let task = app.store.read(&program.actor).await?.task(id).await?;
    let action = CancelTask { task: task.id, owner: task.owner_id, organization: task.organization_id };
    let proof = app.store.authorize(&program.actor, action).await?;
    let mut write = app.store.write(&program.actor).await?;
    let state = write.cancel_task(proof).await?;
    write.commit().await?;
    Ok(Json(CancelledTask { id, state }))
}

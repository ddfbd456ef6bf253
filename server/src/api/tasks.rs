//! Task operations: submit, list, get, cancel.
use super::{
    enums,
    extract::{Body, Id, JsonBody, NoParameters, QueryParameters, Reader, cursor, default_limit, flag, limit, parsed},
    responses::List,
    task::{CancelledTask, NewTask, SubmittedTask, TaskDetail, TaskSummary},
    text,
};
use crate::{
    authentication::Program,
    problem::{FieldError, Problem},
    state::App,
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{
    Actor, Invalid, OrganizationId, TaskId,
    label::Labels,
    policy::{CancelTask, ReadTasks, SubmitTask},
    task::{Submission, SubmissionForm, TaskState},
};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use std::{collections::BTreeMap, str::FromStr};
use store::{Submitted, TaskFilter};
use utoipa::IntoParams;

/// Headers of a submission.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes what `idempotency_key` reads")]
struct SubmitHeaders {
    /// Key chosen by the caller, 1 to 255 visible ASCII characters. Repeating a request with the same key returns the same task;
    /// using it for a different submission is a conflict.
    #[param(rename = "Idempotency-Key", pattern = "^[!-~]{1,255}$")]
    idempotency_key: Option<String>,
}

/// Submit a task
///
/// Applies the tenant's rules: the task is queued, waits for approval or is denied. Requires the
/// scope `tasks:submit`.
#[utoipa::path(
    post, path = "/api/v1/tasks", tag = "Tasks", security(("bearer" = ["tasks:submit"])),
    request_body = NewTask,
    params(SubmitHeaders),
    responses(
        (status = 201, description = "The task was submitted.", body = SubmittedTask,
            headers(("Location" = String, description = "Path of the task."))),
        (status = 200, description = "The task was already submitted with this idempotency key.", body = SubmittedTask,
            headers(("Idempotency-Replayed" = String, description = "`true`."))),
    )
)]
pub(super) async fn submit_task(
    program: Program,
    State(app): State<App>,
    headers: HeaderMap,
    _: QueryParameters<NoParameters>,
    mut body: JsonBody<SubmissionForm>,
) -> Result<Response, Problem> {
    let organization = match body.value.organization {
        Some(organization) => Some(organization),
        None => body.check(only_organization(&app, &program.actor).await?.map_err(FieldError::in_body)),
    };
    let key = body.check(idempotency_key(&headers));
    let (Some(organization), Some(key), []) = (organization, key, body.errors.as_slice()) else {
        return Err(Problem::wrong_fields(body.errors));
    };
    let submission = body.value.check(organization)?;
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

/// Returns the organization of a submission that names none, or how to name one.
async fn only_organization(app: &App, actor: &Actor) -> store::Result<Result<OrganizationId, Invalid>> {
    let mut read = app.store.read_once(actor).await?; // one query in the usual case
    let mut yours = read.organizations().await?;
    yours.retain(|organization| actor.role_in(organization.id).is_some());
    let reason = match yours.as_slice() {
        [only] => return Ok(Ok(only.id)),
        [] if read.archived_organizations().await?.iter().any(|archived| actor.role_in(archived.id).is_some()) => {
            "your organizations are archived; an owner or admin must restore one first".to_owned()
        }
        [] => "you are not a member of an organization; an owner must add you first".to_owned(),
        _ => {
            let yours: Vec<_> = yours.iter().map(|organization| organization.id.to_string()).collect();
            format!("is required because you are a member of several: {}", yours.join(", "))
        }
    };
    Ok(Err(Invalid::new("organization", reason)))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, FieldError> {
    let mut given = headers.get_all("idempotency-key").iter();
    let (first, second) = (given.next(), given.next());
    let Some(key) = first else { return Ok(None) };
    let text = key.to_str().unwrap_or_default();
    let is_valid = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    match is_valid && second.is_none() {
        true => Ok(Some(text.to_owned())),
        false => Err(FieldError::new("Idempotency-Key", "must appear once, with 1 to 255 visible ASCII characters")),
    }
}

impl Body for SubmissionForm {
    fn errors(&self) -> Vec<Invalid> {
        self.errors()
    }
}

/// Filters of a list of tasks.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TaskQuery {
    /// Only tasks in these states, separated by commas.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<Vec<enums::TaskState>>, style = Form, explode = false, min_items = 1)]
    state: Option<StateFilter>,
    /// Only items of the organization with this ID.
    #[serde(default)]
    #[param(value_type = Option<Uuid>)]
    organization: Option<OrganizationId>,
    /// Only tasks of the key's owner.
    #[serde(default, deserialize_with = "flag")]
    #[param(required = false)]
    mine: bool,
    /// Only tasks with this label, in the form `name=value`.
    #[serde(default, deserialize_with = "parsed")]
    #[param(required = false, schema_with = text::label_filter)]
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
    #[param(value_type = Option<Uuid>)]
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
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("label", "must have the form name=value, as in label=team=web");
        let (key, value) = text.split_once('=').ok_or_else(wrong)?;
        // No task has a label that a submission cannot have.
        Labels::try_from(BTreeMap::from([(key.to_owned(), value.to_owned())]))?;
        Ok(Self(key.to_owned(), value.to_owned()))
    }
}

/// Page of tasks. The alias gives the schema a name, which utoipa would compose of a generic type.
type TaskSummaryList = List<TaskSummary>;

/// List tasks
///
/// Returns the tasks that the key's owner can see, newest first. Requires the scope `tasks:read`.
#[utoipa::path(
    get, path = "/api/v1/tasks", tag = "Tasks", security(("bearer" = ["tasks:read"])), params(TaskQuery),
    responses((status = 200, description = "A page of results.", body = TaskSummaryList))
)]
pub(super) async fn list_tasks(
    reader: Reader<ReadTasks>,
    State(app): State<App>,
    QueryParameters(query): QueryParameters<TaskQuery>,
) -> Result<Json<TaskSummaryList>, Problem> {
    let filter = TaskFilter {
        states: query.state.map(|StateFilter(states)| states).unwrap_or_default(),
        organization: query.organization,
        mine: query.mine,
        label: query.label.map(|LabelFilter(key, value)| (key, value)),
        text: query.q,
    };
    let mut read = app.store.read(&reader.program.actor).await?;
    let page = read.tasks(&filter, query.after, query.limit).await?;
    let mut labels = read.labels_of(&page.items).await?;
    Ok(Json(List::from_page(page, |task| {
        let labels = labels.remove(&task.id).unwrap_or_default();
        TaskSummary::new(task, labels)
    })))
}

/// Get a task
///
/// Returns the task with its request, limits and result. Requires the scope `tasks:read`.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}", tag = "Tasks", security(("bearer" = ["tasks:read"])),
    params(("id" = Uuid, Path, description = "ID of the task.")),
    responses((status = 200, description = "The task.", body = TaskDetail))
)]
pub(super) async fn get_task(
    reader: Reader<ReadTasks>,
    State(app): State<App>,
    Id(id): Id<TaskId>,
    _: QueryParameters<NoParameters>,
) -> Result<Json<TaskDetail>, Problem> {
    let mut read = app.store.read(&reader.program.actor).await?;
    let (task, labels) = (read.task(id).await?, read.labels(id).await?);
    let waiting = read.waiting(id).await?;
    Ok(Json(TaskDetail::new(task, labels, waiting)?))
}

/// Cancel a task
///
/// Cancels a waiting task immediately. A running task is stopped by its runner. Requires the scope `tasks:cancel`.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/cancel", tag = "Tasks", security(("bearer" = ["tasks:cancel"])),
    params(("id" = Uuid, Path, description = "ID of the task.")),
    responses((status = 200, description = "The current state of the task.", body = CancelledTask))
)]
pub(super) async fn cancel_task(
    program: Program,
    State(app): State<App>,
    Id(id): Id<TaskId>,
    _: QueryParameters<NoParameters>,
) -> Result<Json<CancelledTask>, Problem> {
    let task = app.store.read(&program.actor).await?.task(id).await?;
    let action = CancelTask { task: task.id, owner: task.owner_id, organization: task.organization_id };
    let proof = app.store.authorize(&program.actor, action).await?;
    let mut write = app.store.write(&program.actor).await?;
    let state = write.cancel_task(proof).await?;
    write.commit().await?;
    Ok(Json(CancelledTask { id, state }))
}

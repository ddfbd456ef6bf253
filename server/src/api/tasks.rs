//! Submitting tasks, finding them, canceling them.
use super::{
    document::{Always, List, OfChanges, OfOne},
    received::{Id, Parameters, Reads, Sent, cursor, flag, limit, parsed, usual_limit},
    submission::{CancelledTask, NewTask, SubmittedTask},
    task::{ListedTask, WholeTask},
};
use crate::{auth::Program, problem::Problem, state::App};
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
/// Records it and applies the tenant's rules: it waits for a runner, waits for approval, or is denied. Needs the
/// scope `tasks:submit`.
#[utoipa::path(
    post, path = "/api/v1/tasks", tag = "Tasks", security(("bearer" = ["tasks:submit"])),
    request_body = NewTask,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Chosen by the caller, 1 to 255 visible ASCII characters: the same key gives the same task once more, \
            with another submission it is a conflict.")),
    responses(
        (status = 201, description = "Recorded.", body = SubmittedTask,
            headers(("Location" = String, description = "The task's address."))),
        (status = 200, description = "Recorded before under this idempotency key.", body = SubmittedTask,
            headers(("Idempotency-Replayed" = String, description = "`true`."))),
        Always, OfChanges,
    )
)]
pub(super) async fn submit_task(
    program: Program,
    State(app): State<App>,
    headers: HeaderMap,
    Sent(form): Sent<SubmissionForm>,
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
            let why = "what you are in is archived; an owner or an admin must bring it back first";
            Err(Invalid::new("organization", why).into())
        }
        [] => Err(Invalid::new("organization", "you are in none; an owner must put you into one first").into()),
        _ => {
            let yours: Vec<_> = yours.iter().map(|organization| organization.id.to_string()).collect();
            Err(Invalid::new("organization", format!("must be named; you are in {}", yours.join(", "))).into())
        }
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Invalid> {
    let mut given = headers.get_all("idempotency-key").iter();
    let wrong = || Invalid::new("Idempotency-Key", "must be given once, with 1 to 255 visible ASCII characters");
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

/// Which tasks a list has.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TaskQuery {
    /// Only in these states, separated by commas.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    state: Option<States>,
    /// Only of this organization.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<Uuid>)]
    organization: Option<OrganizationId>,
    /// Only the key owner's own.
    #[serde(default, deserialize_with = "flag")]
    #[param(required = false)]
    mine: bool,
    /// Only with this label, written `key=value`.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    label: Option<LabelIs>,
    /// Only with words in the title that begin with the words of this text.
    #[serde(default)]
    q: Option<String>,
    /// How many at most.
    #[serde(default = "usual_limit", deserialize_with = "limit")]
    #[param(required = false, minimum = 1, maximum = 200, default = 50)]
    limit: u32,
    /// `next` of the page before.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>)]
    after: Option<TaskId>,
}

/// `queued,running`.
#[derive(Debug)]
struct States(Vec<TaskState>);

impl FromStr for States {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.split(',').map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// `key=value`.
#[derive(Debug)]
struct LabelIs(String, String);

impl FromStr for LabelIs {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = text.split_once('=').ok_or("must be written key=value")?;
        Ok(Self(key.to_owned(), value.to_owned()))
    }
}

/// List tasks
///
/// Those that the key's owner sees, newest first. Needs the scope `tasks:read`.
#[utoipa::path(
    get, path = "/api/v1/tasks", tag = "Tasks", security(("bearer" = ["tasks:read"])), params(TaskQuery),
    responses((status = 200, description = "A page.", body = List<ListedTask>), Always)
)]
pub(super) async fn list_tasks(
    reader: Reads<ReadTasks>,
    State(app): State<App>,
    Parameters(query): Parameters<TaskQuery>,
) -> Result<Json<List<ListedTask>>, Problem> {
    let filter = TaskFilter {
        states: query.state.map(|States(states)| states).unwrap_or_default(),
        organization: query.organization,
        mine: query.mine,
        label: query.label.map(|LabelIs(key, value)| (key, value)),
        text: query.q,
    };
    let mut read = app.store.read(&reader.program.actor).await?;
    let page = read.tasks(&filter, query.after, query.limit).await?;
    Ok(Json(List::of(page, ListedTask::from)))
}

/// Get a task
///
/// Needs the scope `tasks:read`.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}", tag = "Tasks", security(("bearer" = ["tasks:read"])),
    params(("id" = Uuid, Path, description = "The task's id.")),
    responses((status = 200, description = "The task.", body = WholeTask), Always, OfOne)
)]
pub(super) async fn get_task(
    reader: Reads<ReadTasks>,
    State(app): State<App>,
    Id(id): Id<TaskId>,
) -> Result<Json<WholeTask>, Problem> {
    let mut read = app.store.read(&reader.program.actor).await?;
    let (task, labels) = (read.task(id).await?, read.labels(id).await?);
    Ok(Json(WholeTask::new(task, labels)?))
}

/// Cancel a task
///
/// One that waits is cancelled at once; one that runs is stopped by its runner. Needs the scope `tasks:cancel`.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/cancel", tag = "Tasks", security(("bearer" = ["tasks:cancel"])),
    params(("id" = Uuid, Path, description = "The task's id.")),
    responses((status = 200, description = "Where it stands now.", body = CancelledTask), Always, OfOne, OfChanges)
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

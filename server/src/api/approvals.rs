//! The approval queue: questions and answers.
use super::{
    document::{Always, List, OfChanges, OfOne},
    received::{Id, Parameters, Reads, Sent, cursor, limit, parsed, usual_limit},
    words,
};
use crate::{auth::Program, problem::Problem, state::App};
use axum::{Json, extract::State};
use domain::{
    ApprovalId, OrganizationId, PersonId, TaskId, Timestamp,
    approval::{self, Answer, ApprovalState},
    network::NetworkPolicy,
    policy::ReadApprovals,
    request::RequestDigest,
    task::Tool,
};
use serde::{Deserialize, Serialize};
use store::{Approval, ApprovalFilter, Decision};
use utoipa::{IntoParams, ToSchema};

/// A question: may exactly this run?
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Question {
    /// The question's id.
    #[schema(value_type = Uuid)]
    id: ApprovalId,
    /// The id of the task that it is about.
    #[schema(value_type = Uuid)]
    task: TaskId,
    /// What that is called.
    title: String,
    /// Where the question stands.
    #[schema(value_type = words::ApprovalState)]
    state: ApprovalState,
    /// What would run the task.
    #[schema(value_type = words::Tool)]
    tool: Tool,
    /// What it would reach.
    #[schema(value_type = words::NetworkPolicy)]
    network_policy: NetworkPolicy,
    /// The id of the organization whose approvers are asked.
    #[schema(value_type = Uuid)]
    organization: OrganizationId,
    /// What that is called.
    organization_name: String,
    /// The id of the person who asks.
    #[schema(value_type = Uuid)]
    requester: PersonId,
    /// Their name.
    requester_name: String,
    /// The SHA-256 of the canonical request, in hex: what an answer holds for.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    request_digest: RequestDigest,
    /// The rule that asks.
    rule: String,
    /// How many must say yes.
    needed: u32,
    /// How many said yes.
    given: u32,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Until when; then it is denied.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// When it was settled.
    #[schema(value_type = Option<String>, format = DateTime)]
    settled_at: Option<Timestamp>,
}

impl From<Approval> for Question {
    fn from(row: Approval) -> Self {
        Self {
            id: row.id,
            task: row.task_id,
            title: row.title,
            state: row.state,
            tool: row.tool,
            network_policy: row.network,
            organization: row.organization_id,
            organization_name: row.organization,
            requester: row.requester_id,
            requester_name: row.requester,
            request_digest: row.request_digest,
            rule: row.rule,
            needed: row.needed,
            given: row.given,
            created_at: row.created_at,
            expires_at: row.expires_at,
            settled_at: row.settled_at,
        }
    }
}

/// A question with all that there is to judge.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WholeQuestion {
    #[serde(flatten)]
    question: Question,
    /// The canonical request (RFC 8785), complete: its SHA-256 is `request_digest`.
    request: String,
    /// The script, complete: its SHA-256 stands in the request.
    script: String,
    /// The answers so far, oldest first.
    decisions: Vec<GivenAnswer>,
}

/// A person's answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GivenAnswer {
    /// The person's id.
    #[schema(value_type = Uuid)]
    person: PersonId,
    /// Their name.
    person_name: String,
    /// Yes or no.
    #[schema(value_type = words::Answer)]
    answer: Answer,
    /// Why.
    reason: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<Decision> for GivenAnswer {
    fn from(row: Decision) -> Self {
        let Decision { person_id, person, answer, reason, created_at } = row;
        Self { person: person_id, person_name: person, answer, reason, at: created_at }
    }
}

/// Which questions a list has.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ApprovalQuery {
    /// Only where it stands so.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<words::ApprovalState>)]
    state: Option<ApprovalState>,
    /// Only of this organization.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<Uuid>)]
    organization: Option<OrganizationId>,
    /// How many at most.
    #[serde(default = "usual_limit", deserialize_with = "limit")]
    #[param(required = false, minimum = 1, maximum = 200, default = 50)]
    limit: u32,
    /// `next` of the page before.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>)]
    after: Option<ApprovalId>,
}

/// List questions
///
/// Those that the key's owner asked or may answer, newest first. Needs the scope `approvals:read`.
#[utoipa::path(
    get, path = "/api/v1/approvals", tag = "Approvals", security(("bearer" = ["approvals:read"])), params(ApprovalQuery),
    responses((status = 200, description = "A page.", body = List<Question>), Always)
)]
pub(super) async fn list_approvals(
    reader: Reads<ReadApprovals>,
    State(app): State<App>,
    Parameters(query): Parameters<ApprovalQuery>,
) -> Result<Json<List<Question>>, Problem> {
    let filter = ApprovalFilter { state: query.state, organization: query.organization };
    let mut read = app.store.read(&reader.program.actor).await?;
    let page = read.approvals(&filter, query.after, query.limit).await?;
    Ok(Json(List::of(page, Question::from)))
}

/// Get a question
///
/// With the complete canonical request and script. Needs the scope `approvals:read`.
#[utoipa::path(
    get, path = "/api/v1/approvals/{id}", tag = "Approvals", security(("bearer" = ["approvals:read"])),
    params(("id" = Uuid, Path, description = "The question's id.")),
    responses((status = 200, description = "The question.", body = WholeQuestion), Always, OfOne)
)]
pub(super) async fn get_approval(
    reader: Reads<ReadApprovals>,
    State(app): State<App>,
    Id(id): Id<ApprovalId>,
) -> Result<Json<WholeQuestion>, Problem> {
    let mut read = app.store.read(&reader.program.actor).await?;
    let question = read.approval(id).await?;
    let task = read.task(question.task_id).await?;
    let decisions = read.decisions(task.id).await?.into_iter().map(GivenAnswer::from).collect();
    Ok(Json(WholeQuestion { question: question.into(), request: task.request, script: task.script, decisions }))
}

/// A decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDecision {
    /// Why, up to 1,000 visible characters; required for a denial.
    #[serde(default)]
    reason: String,
    /// The `request_digest` that was shown to whoever decides.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    request_digest: RequestDigest,
}

/// What became of a decision.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Decided {
    /// The question's id.
    #[schema(value_type = Uuid)]
    id: ApprovalId,
    /// Where it stands now; `waiting` where more people must say yes.
    #[schema(value_type = words::ApprovalState)]
    state: ApprovalState,
}

/// Approve
///
/// Exactly the request with this digest, once. Never one's own. Needs the scope `approvals:decide`.
#[utoipa::path(
    post, path = "/api/v1/approvals/{id}/approve", tag = "Approvals", security(("bearer" = ["approvals:decide"])),
    params(("id" = Uuid, Path, description = "The question's id.")), request_body = NewDecision,
    responses((status = 200, description = "Recorded.", body = Decided), Always, OfOne, OfChanges)
)]
pub(super) async fn approve(
    program: Program,
    State(app): State<App>,
    Id(id): Id<ApprovalId>,
    Sent(decision): Sent<NewDecision>,
) -> Result<Json<Decided>, Problem> {
    decide(&app, &program, id, Answer::Approve, decision).await
}

/// Deny
///
/// Needs the scope `approvals:decide`.
#[utoipa::path(
    post, path = "/api/v1/approvals/{id}/deny", tag = "Approvals", security(("bearer" = ["approvals:decide"])),
    params(("id" = Uuid, Path, description = "The question's id.")), request_body = NewDecision,
    responses((status = 200, description = "Recorded.", body = Decided), Always, OfOne, OfChanges)
)]
pub(super) async fn deny(
    program: Program,
    State(app): State<App>,
    Id(id): Id<ApprovalId>,
    Sent(decision): Sent<NewDecision>,
) -> Result<Json<Decided>, Problem> {
    decide(&app, &program, id, Answer::Deny, decision).await
}

async fn decide(
    app: &App,
    program: &Program,
    id: ApprovalId,
    answer: Answer,
    given: NewDecision,
) -> Result<Json<Decided>, Problem> {
    let question = app.store.read(&program.actor).await?.approval(id).await?;
    let action = question.decide_action(answer, approval::reason(answer, &given.reason)?, given.request_digest);
    let proof = app.store.authorize(&program.actor, action).await?;
    let mut write = app.store.write(&program.actor).await?;
    let state = write.decide(proof).await?;
    write.commit().await?;
    Ok(Json(Decided { id, state }))
}

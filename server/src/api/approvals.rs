//! Approval request operations: list, get, approve, deny.
use super::{
    enums,
    extract::{Body, Id, JsonBody, NoParameters, QueryParameters, Reader, cursor, default_limit, limit, parsed},
    responses::List,
    text,
};
use crate::{authentication::Program, problem::Problem, state::App};
use axum::{Json, extract::State};
use domain::{
    ApprovalId, Invalid, OrganizationId, PersonId, TaskId, Timestamp,
    approval::{self, Answer, ApprovalState},
    network::NetworkPolicy,
    policy::ReadApprovals,
    request::RequestDigest,
    task::Tool,
};
use serde::{Deserialize, Serialize};
use store::{Approval, ApprovalFilter, Decision, DecisionEvidence};
use utoipa::{IntoParams, ToSchema};

/// A request for permission to run exactly one task.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ApprovalRequest {
    /// ID of the approval request.
    #[schema(value_type = Uuid)]
    id: ApprovalId,
    /// ID of the task that needs approval.
    #[schema(value_type = Uuid)]
    task: TaskId,
    /// Title of the task.
    title: String,
    /// State of the approval request.
    #[schema(value_type = enums::ApprovalState)]
    state: ApprovalState,
    /// Tool that would run the task.
    #[schema(value_type = enums::Tool)]
    tool: Tool,
    /// Network access that the task would have.
    #[schema(value_type = enums::NetworkPolicy)]
    network_policy: NetworkPolicy,
    /// ID of the organization whose approvers decide.
    #[schema(value_type = Uuid)]
    organization: OrganizationId,
    /// Name of the organization.
    organization_name: String,
    /// ID of the person or service account that submitted the task.
    #[schema(value_type = Uuid)]
    requester: PersonId,
    /// Name of the requester.
    requester_name: String,
    /// SHA-256 of the canonical request, in hex. A decision applies only to this digest.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    request_digest: RequestDigest,
    /// Rule that requires approval.
    rule: String,
    /// Number of approvals required.
    required_approvals: u32,
    /// Number of approvals so far.
    received_approvals: u32,
    /// Whether each approval must be confirmed with the approver's passkey, which only a browser can do.
    requires_passkey: bool,
    /// When the approval request was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the approval request expires. The task is then denied.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// When the approval request was decided, expired or was cancelled.
    #[schema(value_type = Option<String>, format = DateTime)]
    resolved_at: Option<Timestamp>,
}

impl From<Approval> for ApprovalRequest {
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
            required_approvals: row.needed,
            received_approvals: row.given,
            requires_passkey: row.requires_passkey,
            created_at: row.created_at,
            expires_at: row.expires_at,
            resolved_at: row.settled_at,
        }
    }
}

/// An approval request with the complete request, script and decisions.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ApprovalRequestDetail {
    #[serde(flatten)]
    summary: ApprovalRequest,
    /// Complete canonical request (RFC 8785). Its SHA-256 is `request_digest`.
    request: String,
    /// Complete script. Its SHA-256 is part of the request.
    script: String,
    /// Decisions so far, oldest first.
    decisions: Vec<DecisionRecord>,
}

/// Decision of one approver.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DecisionRecord {
    /// ID of the approver.
    #[schema(value_type = Uuid)]
    person: PersonId,
    /// Name of the approver.
    person_name: String,
    /// Decision.
    #[schema(value_type = enums::Answer)]
    decision: Answer,
    /// Reason that the approver gave.
    reason: String,
    /// When the decision was made.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Name of the passkey with which the decision was verified. Without it, the server recorded the decision.
    passkey: Option<String>,
    /// Whether the approver decided their own request, which a setting of the tenant must allow.
    own_request: bool,
}

impl From<Decision> for DecisionRecord {
    fn from(row: Decision) -> Self {
        let Decision { person_id, person, answer, reason, created_at, evidence, is_own } = row;
        let passkey = match evidence {
            DecisionEvidence::Passkey(name) => Some(name),
            DecisionEvidence::Server | DecisionEvidence::RemovedPasskey | DecisionEvidence::Invalid => None,
        };
        Self {
            person: person_id,
            person_name: person,
            decision: answer,
            reason,
            at: created_at,
            passkey,
            own_request: is_own,
        }
    }
}

/// Filters of a list of approval requests.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ApprovalQuery {
    /// Only approval requests in this state.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<enums::ApprovalState>)]
    state: Option<ApprovalState>,
    /// Only items of the organization with this ID.
    #[serde(default)]
    #[param(value_type = Option<Uuid>)]
    organization: Option<OrganizationId>,
    /// Maximum number of items, 1 to 200.
    #[serde(default = "default_limit", deserialize_with = "limit")]
    #[param(required = false, minimum = 1, maximum = 200, default = 50)]
    limit: u32,
    /// The value of `next` from the previous page.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<Uuid>)]
    after: Option<ApprovalId>,
}

/// Page of approval requests. The alias gives the schema a name, which utoipa would compose of a generic type.
type ApprovalRequestList = List<ApprovalRequest>;

/// List approval requests
///
/// Returns the approval requests that the key's owner submitted or may decide, newest first. Requires the scope `approvals:read`.
#[utoipa::path(
    get, path = "/api/v1/approvals", tag = "Approvals", security(("bearer" = ["approvals:read"])), params(ApprovalQuery),
    responses((status = 200, description = "A page of results.", body = ApprovalRequestList))
)]
pub(super) async fn list_approvals(
    reader: Reader<ReadApprovals>,
    State(app): State<App>,
    QueryParameters(query): QueryParameters<ApprovalQuery>,
) -> Result<Json<ApprovalRequestList>, Problem> {
    let filter = ApprovalFilter { state: query.state, organization: query.organization };
    let mut read = app.store.read(&reader.program.actor).await?;
    let page = read.approvals(&filter, query.after, query.limit).await?;
    Ok(Json(List::from_page(page, ApprovalRequest::from)))
}

/// Get an approval request
///
/// Includes the complete canonical request, script and decisions. Requires the scope `approvals:read`.
#[utoipa::path(
    get, path = "/api/v1/approvals/{id}", tag = "Approvals", security(("bearer" = ["approvals:read"])),
    params(("id" = Uuid, Path, description = "ID of the approval request.")),
    responses((status = 200, description = "The approval request.", body = ApprovalRequestDetail))
)]
pub(super) async fn get_approval(
    reader: Reader<ReadApprovals>,
    State(app): State<App>,
    Id(id): Id<ApprovalId>,
    _: QueryParameters<NoParameters>,
) -> Result<Json<ApprovalRequestDetail>, Problem> {
    let mut read = app.store.read(&reader.program.actor).await?;
    let approval = read.approval(id).await?;
    let task = read.task(approval.task_id).await?;
    let decisions = read.decisions(task.id).await?.into_iter().map(DecisionRecord::from).collect();
    Ok(Json(ApprovalRequestDetail { summary: approval.into(), request: task.request, script: task.script, decisions }))
}

/// An approval. Every field is checked by [`Body::errors`], so that a missing one does not hide the errors of others.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewApproval {
    #[serde(default)]
    #[schema(required = false, schema_with = text::reason_to_approve)]
    reason: String,
    /// `request_digest` of the approval request that was reviewed.
    #[serde(default)]
    #[schema(required = true, value_type = String, pattern = "^[0-9a-f]{64}$")]
    request_digest: Option<RequestDigest>,
}

/// A denial.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDenial {
    #[serde(default)]
    #[schema(required = true, schema_with = text::reason_to_deny)]
    reason: String,
    /// `request_digest` of the approval request that was reviewed.
    #[serde(default)]
    #[schema(required = true, value_type = String, pattern = "^[0-9a-f]{64}$")]
    request_digest: Option<RequestDigest>,
}

impl Body for NewApproval {
    fn errors(&self) -> Vec<Invalid> {
        decision_errors(Answer::Approve, &self.reason, self.request_digest)
    }
}

impl Body for NewDenial {
    fn errors(&self) -> Vec<Invalid> {
        decision_errors(Answer::Deny, &self.reason, self.request_digest)
    }
}

fn decision_errors(answer: Answer, reason: &str, digest: Option<RequestDigest>) -> Vec<Invalid> {
    let digest = digest.ok_or_else(missing_digest).err();
    approval::reason(answer, reason).err().into_iter().chain(digest).collect()
}

fn missing_digest() -> Invalid {
    Invalid::new("request_digest", "is required")
}

/// State of the approval request after a decision.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DecisionResult {
    /// ID of the approval request.
    #[schema(value_type = Uuid)]
    id: ApprovalId,
    /// New state; `waiting` if more approvals are required.
    #[schema(value_type = enums::ApprovalState)]
    state: ApprovalState,
}

/// Approve a request
///
/// Approves exactly the request with this digest. An API key never approves requests of its owner. A request with `requires_passkey` can
/// be approved only in a browser. Requires the scope `approvals:decide`.
#[utoipa::path(
    post, path = "/api/v1/approvals/{id}/approve", tag = "Approvals", security(("bearer" = ["approvals:decide"])),
    params(("id" = Uuid, Path, description = "ID of the approval request.")), request_body = NewApproval,
    responses((status = 200, description = "The decision was recorded.", body = DecisionResult))
)]
pub(super) async fn approve(
    program: Program,
    State(app): State<App>,
    Id(id): Id<ApprovalId>,
    _: QueryParameters<NoParameters>,
    body: JsonBody<NewApproval>,
) -> Result<Json<DecisionResult>, Problem> {
    let NewApproval { reason, request_digest } = body.accept()?;
    decide(&app, &program, id, Answer::Approve, &reason, request_digest).await
}

/// Deny a request
///
/// Denies the request with this digest; the task will not run. Requires the scope `approvals:decide`.
#[utoipa::path(
    post, path = "/api/v1/approvals/{id}/deny", tag = "Approvals", security(("bearer" = ["approvals:decide"])),
    params(("id" = Uuid, Path, description = "ID of the approval request.")), request_body = NewDenial,
    responses((status = 200, description = "The decision was recorded.", body = DecisionResult))
)]
pub(super) async fn deny(
    program: Program,
    State(app): State<App>,
    Id(id): Id<ApprovalId>,
    _: QueryParameters<NoParameters>,
    body: JsonBody<NewDenial>,
) -> Result<Json<DecisionResult>, Problem> {
    let NewDenial { reason, request_digest } = body.accept()?;
    decide(&app, &program, id, Answer::Deny, &reason, request_digest).await
}

async fn decide(
    app: &App,
    program: &Program,
    id: ApprovalId,
    answer: Answer,
    reason: &str,
    digest: Option<RequestDigest>,
) -> Result<Json<DecisionResult>, Problem> {
    let (reason, digest) = (approval::reason(answer, reason)?, digest.ok_or_else(missing_digest)?);
    let approval = app.store.read(&program.actor).await?.approval(id).await?;
    let action = approval.decide_action(answer, reason, digest);
    let proof = app.store.authorize(&program.actor, action).await?;
    let mut write = app.store.write(&program.actor).await?;
    let state = write.decide(proof).await?;
    write.commit().await?;
    Ok(Json(DecisionResult { id, state }))
}

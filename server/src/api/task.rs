//! Task schemas of the API: submission, list and details.
use super::{enums, text};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{
    KeyId, OrganizationId, PersonId, RunnerId, TaskId, Timestamp,
    label::Labels,
    network::NetworkPolicy,
    pending_reason::PendingReason,
    receipt::End,
    request::RequestDigest,
    task::{Priority, TaskState, Tool},
    visibility::Visibility,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::{Task, TaskRow, Waiting};
use utoipa::ToSchema;
use uuid::Uuid;

/// A new task. Omitted fields, and those that are `null`, have the most restrictive default.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "describes `domain::task::SubmissionForm`, which is deserialized instead; a test compares them"
)]
pub(super) struct NewTask {
    /// Tool that runs the task.
    #[schema(required = false, value_type = Option<enums::Tool>, default = "bash")]
    tool: Tool,
    #[schema(schema_with = text::script)]
    script: String,
    #[schema(required = false, schema_with = text::title)]
    title: Option<String>,
    /// Who can see the task besides its owner, admins and auditors.
    #[schema(required = false, value_type = Option<enums::Visibility>, default = "private")]
    visibility: Visibility,
    /// Network access of the task.
    #[schema(required = false, value_type = Option<enums::EnforcedNetworkPolicy>, default = "isolated")]
    network_policy: NetworkPolicy,
    /// Allowed hosts; empty, because this version does not enforce the policy `allow_list`.
    #[schema(max_items = 0)]
    allowed_hosts: Option<Vec<String>>,
    /// Maximum wall-clock time, in seconds.
    #[schema(minimum = 1, maximum = 86_400, default = 300)]
    timeout_seconds: Option<u32>,
    /// Memory limit in MiB, including files written in the sandbox.
    #[schema(minimum = 16, maximum = 65_536, default = 512)]
    memory_mib: Option<u32>,
    /// CPU limit in thousandths of a core.
    #[schema(minimum = 50, maximum = 64_000, default = 1_000)]
    cpu_millis: Option<u32>,
    /// Maximum number of concurrent processes and threads.
    #[schema(minimum = 2, maximum = 4_096, default = 64)]
    processes: Option<u32>,
    /// Size limit of the working directory, in MiB.
    #[schema(minimum = 1, maximum = 65_536, default = 256)]
    disk_mib: Option<u32>,
    #[schema(required = false, schema_with = text::labels)]
    labels: Option<BTreeMap<String, String>>,
    /// Priority among queued tasks.
    #[schema(required = false, value_type = Option<enums::Priority>, default = "normal")]
    priority: Priority,
    /// Organization ID. Optional if the key's owner is a member of only one organization.
    #[schema(value_type = Option<String>, format = Uuid, pattern = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
    organization: Option<Uuid>,
    #[schema(required = false, schema_with = text::purpose)]
    purpose: Option<String>,
    #[schema(required = false, schema_with = text::ticket)]
    ticket: Option<String>,
    /// ID of the task that this one repeats. Approvers see the changes since it was approved.
    #[schema(value_type = Option<String>, format = Uuid, pattern = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
    rerun_of: Option<Uuid>,
}

/// A submitted task.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SubmittedTask {
    /// Task ID.
    #[schema(value_type = Uuid)]
    pub id: TaskId,
    /// State of the task.
    #[schema(value_type = enums::TaskState)]
    pub state: TaskState,
    /// SHA-256 of the canonical request, in hex.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub request_digest: RequestDigest,
}

/// A task after a cancellation request.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CancelledTask {
    /// Task ID.
    #[schema(value_type = Uuid)]
    pub id: TaskId,
    /// `cancelled`, or `assigned` or `running` until its runner has stopped it.
    #[schema(value_type = enums::TaskState)]
    pub state: TaskState,
}

/// Task in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TaskSummary {
    /// Task ID.
    #[schema(value_type = Uuid)]
    id: TaskId,
    /// Title.
    title: String,
    /// State of the task.
    #[schema(value_type = enums::TaskState)]
    state: TaskState,
    /// Tool that runs the task.
    #[schema(value_type = enums::Tool)]
    tool: Tool,
    /// Who can see the task besides its owner, admins and auditors.
    #[schema(value_type = enums::Visibility)]
    visibility: Visibility,
    /// Network access of the task.
    #[schema(value_type = enums::NetworkPolicy)]
    network_policy: NetworkPolicy,
    /// Organization ID.
    #[schema(value_type = Uuid)]
    organization: OrganizationId,
    /// Name of the organization.
    organization_name: String,
    /// ID of the person or service account that submitted the task.
    #[schema(value_type = Uuid)]
    owner: PersonId,
    /// Name of the owner.
    owner_name: String,
    /// Labels.
    labels: BTreeMap<String, String>,
    /// When the task was submitted.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the latest attempt started.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    /// When the task ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    /// How the run ended, if it has ended.
    result: Option<RunResult>,
}

impl TaskSummary {
    /// Builds the response from a row of the list and its labels.
    pub fn new(row: TaskRow, labels: BTreeMap<String, String>) -> Self {
        Self {
            labels,
            id: row.id,
            title: row.title,
            state: row.state,
            tool: row.tool,
            visibility: row.visibility,
            network_policy: row.network,
            organization: row.organization_id,
            organization_name: row.organization,
            owner: row.owner_id,
            owner_name: row.owner,
            created_at: row.created_at,
            started_at: row.started_at,
            ended_at: row.ended_at,
            result: row.ending.and_then(|end| serde_json::from_str::<End>(&end).ok()).map(RunResult::from),
        }
    }
}

/// Task with its request, limits and result.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TaskDetail {
    /// Task ID.
    #[schema(value_type = Uuid)]
    id: TaskId,
    /// Title.
    title: String,
    /// State of the task.
    #[schema(value_type = enums::TaskState)]
    state: TaskState,
    /// Tool that runs the task.
    #[schema(value_type = enums::Tool)]
    tool: Tool,
    /// Script as submitted.
    script: String,
    /// Organization ID.
    #[schema(value_type = Uuid)]
    organization: OrganizationId,
    /// Name of the organization.
    organization_name: String,
    /// ID of the person or service account that submitted the task.
    #[schema(value_type = Uuid)]
    owner: PersonId,
    /// Name of the owner.
    owner_name: String,
    /// ID of the API key that submitted the task, if any.
    #[schema(value_type = Option<Uuid>)]
    key: Option<KeyId>,
    /// Who can see the task besides its owner, admins and auditors.
    #[schema(value_type = enums::Visibility)]
    visibility: Visibility,
    /// Network access of the task.
    #[schema(value_type = enums::NetworkPolicy)]
    network_policy: NetworkPolicy,
    /// Allowed hosts with `allow_list`.
    allowed_hosts: Vec<String>,
    /// Maximum wall-clock time, in seconds.
    timeout_seconds: u32,
    /// Memory limit in MiB.
    memory_mib: u32,
    /// CPU limit in millicores (thousandths of a core).
    cpu_millis: u32,
    /// Maximum number of concurrent processes and threads.
    processes: u32,
    /// Size limit of the working directory, in MiB.
    disk_mib: u32,
    /// Labels.
    #[schema(value_type = BTreeMap<String, String>)]
    labels: Labels,
    /// Priority among queued tasks.
    #[schema(value_type = enums::Priority)]
    priority: Priority,
    /// SHA-256 of `request`, in hex.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    request_digest: RequestDigest,
    /// Canonical request (RFC 8785), as a string that preserves its bytes. Contains everything that affects what the task does.
    request: String,
    /// Why the task should run.
    purpose: Option<String>,
    /// URL of a ticket.
    ticket: Option<String>,
    /// ID of the task that this one repeats.
    #[schema(value_type = Option<Uuid>)]
    rerun_of: Option<TaskId>,
    /// Rule that allowed, denied or required approval of the task.
    rule: String,
    /// Number of the current attempt; 0 before the first start.
    attempt: u32,
    /// ID of the runner of the current attempt.
    #[schema(value_type = Option<Uuid>)]
    runner: Option<RunnerId>,
    /// Name of the runner.
    runner_name: Option<String>,
    /// Whether cancellation was requested.
    cancel_requested: bool,
    /// When the task was submitted.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the task was last queued.
    #[schema(value_type = Option<String>, format = DateTime)]
    queued_at: Option<Timestamp>,
    /// Why no runner can take the task, while it is queued.
    pending_reason: Option<TaskPendingReason>,
    /// When the latest attempt started.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    /// When the task ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    /// When the output was deleted under the retention policy.
    #[schema(value_type = Option<String>, format = DateTime)]
    output_deleted_at: Option<Timestamp>,
    /// When the result and the receipt were deleted under the retention policy.
    #[schema(value_type = Option<String>, format = DateTime)]
    result_deleted_at: Option<Timestamp>,
    /// How the run ended, if it has ended.
    result: Option<RunResult>,
    /// Whether a process of the task was killed at the memory limit, even if the task continued. Files in `/tmp` count as memory.
    out_of_memory: bool,
    /// How many printed bytes were not UTF-8. They are stored as U+FFFD, and the receipt's digest is over what is stored.
    replaced_bytes: u64,
    /// Number of log lines of the current attempt.
    output_lines: i64,
    /// Receipt of the runner in canonical form (RFC 8785), after the run.
    receipt: Option<String>,
    /// Signature of the runner, in base64: ECDSA P-384 with SHA-384, ASN.1 (PKCS #1 v1.5 with SHA-384 if the runner enrolled an RSA
    /// key). The signed bytes are the 21 bytes `castellan-receipt-v1` and NUL, the length of the receipt in bytes as an unsigned
    /// 64-bit integer in big-endian order, and the bytes of the receipt in UTF-8. The guide has an example that verifies one.
    receipt_signature: Option<String>,
    /// Public key that verifies the signature (SubjectPublicKeyInfo, DER), in base64.
    runner_key: Option<String>,
}

impl TaskDetail {
    /// Builds the response from a stored task, its labels, and what it waits for.
    pub fn new(task: Task, labels: Labels, waiting: Option<Waiting>) -> Result<Self, store::Error> {
        let request = task.read_request()?;
        let result = task.end().map(RunResult::from);
        let receipt = task.read_receipt();
        let (out_of_memory, replaced_bytes) =
            receipt.as_ref().map_or((false, 0), |receipt| (receipt.out_of_memory, receipt.replaced_bytes));
        let receipt = receipt.and_then(|receipt| String::from_utf8(receipt.canonical()).ok());
        Ok(Self {
            id: task.id,
            title: task.title,
            state: task.state,
            tool: task.tool,
            script: task.script,
            organization: task.organization_id,
            organization_name: task.organization,
            owner: task.owner_id,
            owner_name: task.owner,
            key: task.key_id,
            visibility: task.visibility,
            network_policy: request.network.policy,
            allowed_hosts: request.network.hosts,
            timeout_seconds: request.limits.timeout_seconds,
            memory_mib: request.limits.memory_mib,
            cpu_millis: request.limits.cpu_millis,
            processes: request.limits.processes,
            disk_mib: request.limits.disk_mib,
            labels,
            priority: task.priority,
            request_digest: task.request_digest,
            request: task.request,
            purpose: request.purpose,
            ticket: request.ticket,
            rerun_of: request.rerun_of,
            rule: task.rule,
            attempt: task.attempt,
            runner: task.runner_id,
            runner_name: task.runner,
            cancel_requested: task.cancel_requested,
            created_at: task.created_at,
            queued_at: task.queued_at,
            pending_reason: waiting.map(|waiting| TaskPendingReason::new(waiting, task.tool)),
            started_at: task.started_at,
            ended_at: task.ended_at,
            output_deleted_at: task.output_deleted_at,
            result_deleted_at: task.result_deleted_at,
            result,
            out_of_memory,
            replaced_bytes,
            output_lines: task.next_line - 1,
            receipt_signature: receipt.as_ref().and(task.receipt_signature).map(|bytes| STANDARD.encode(bytes)),
            runner_key: receipt.as_ref().and(task.runner_key).map(|bytes| STANDARD.encode(bytes)),
            receipt,
        })
    }
}

/// The reason why no runner can take a queued task.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TaskPendingReason {
    /// The reason.
    #[schema(value_type = enums::PendingReason)]
    reason: PendingReason,
    /// The reason as a sentence.
    detail: String,
    /// When the task expires, unless a runner that can take it connects before.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

impl TaskPendingReason {
    fn new(Waiting { pending_reason, expires_at }: Waiting, tool: Tool) -> Self {
        Self { reason: pending_reason, detail: pending_reason.explanation(tool), expires_at }
    }
}

/// How a run ended.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct RunResult {
    /// How the run ended.
    #[schema(value_type = enums::RunOutcome)]
    outcome: &'static str,
    /// Exit code, 0 to 255, with `exited`.
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    /// Signal number, with `signaled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<i32>,
    /// Why the task could not start and how to fix it, with `not_started`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<End> for RunResult {
    fn from(end: End) -> Self {
        let outcome = |outcome| Self { outcome, ..Self::default() };
        match end {
            End::Exited(code) => Self { exit_code: Some(code), ..outcome("exited") },
            End::Signaled(signal) => Self { signal: Some(signal), ..outcome("signaled") },
            End::TimedOut => outcome("timed_out"),
            End::Cancelled => outcome("cancelled"),
            End::OutOfMemory => outcome("out_of_memory"),
            End::NotStarted(reason) => Self { reason: Some(reason), ..outcome("not_started") },
        }
    }
}

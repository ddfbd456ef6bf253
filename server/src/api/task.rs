//! A task as JSON.
use super::words;
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{
    KeyId, OrganizationId, PersonId, RunnerId, TaskId, Timestamp,
    label::Labels,
    network::NetworkPolicy,
    receipt::End,
    request::RequestDigest,
    task::{Priority, TaskState, Tool},
    visibility::Visibility,
};
use serde::Serialize;
use store::{Task, TaskRow};
use utoipa::ToSchema;

/// A task as it stands in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ListedTask {
    /// The task's id.
    #[schema(value_type = Uuid)]
    id: TaskId,
    /// A line to recognize it by.
    title: String,
    /// Where it stands.
    #[schema(value_type = words::TaskState)]
    state: TaskState,
    /// What runs it.
    #[schema(value_type = words::Tool)]
    tool: Tool,
    /// Who sees it.
    #[schema(value_type = words::Visibility)]
    visibility: Visibility,
    /// What it reaches.
    #[schema(value_type = words::NetworkPolicy)]
    network_policy: NetworkPolicy,
    /// The id of the organization where it belongs.
    #[schema(value_type = Uuid)]
    organization: OrganizationId,
    /// What that is called.
    organization_name: String,
    /// The id of the person who submitted it.
    #[schema(value_type = Uuid)]
    owner: PersonId,
    /// Their name.
    owner_name: String,
    /// When it was submitted.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it started, the last time.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    /// How its run ended, where one did.
    ending: Option<Ending>,
}

impl From<TaskRow> for ListedTask {
    fn from(row: TaskRow) -> Self {
        Self {
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
            ending: row.ending.and_then(|end| serde_json::from_str::<End>(&end).ok()).map(Ending::from),
        }
    }
}

/// A task, whole.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WholeTask {
    /// The task's id.
    #[schema(value_type = Uuid)]
    id: TaskId,
    /// A line to recognize it by.
    title: String,
    /// Where it stands.
    #[schema(value_type = words::TaskState)]
    state: TaskState,
    /// What runs it.
    #[schema(value_type = words::Tool)]
    tool: Tool,
    /// The script, as submitted.
    script: String,
    /// The id of the organization where it belongs.
    #[schema(value_type = Uuid)]
    organization: OrganizationId,
    /// What that is called.
    organization_name: String,
    /// The id of the person who submitted it.
    #[schema(value_type = Uuid)]
    owner: PersonId,
    /// Their name.
    owner_name: String,
    /// The id of the key that it was submitted with, if one was.
    #[schema(value_type = Option<Uuid>)]
    key: Option<KeyId>,
    /// Who sees it.
    #[schema(value_type = words::Visibility)]
    visibility: Visibility,
    /// What it reaches.
    #[schema(value_type = words::NetworkPolicy)]
    network_policy: NetworkPolicy,
    /// The hosts that it reaches under `allow_list`.
    allowed_hosts: Vec<String>,
    /// Wall time in seconds.
    timeout_seconds: u32,
    /// Memory in MiB.
    memory_mib: u32,
    /// Thousandths of a core.
    cpu_millis: u32,
    /// Processes and threads at once.
    processes: u32,
    /// Size of the work folder in MiB.
    disk_mib: u32,
    /// For finding it again.
    #[schema(value_type = BTreeMap<String, String>)]
    labels: Labels,
    /// Its turn.
    #[schema(value_type = words::Priority)]
    priority: Priority,
    /// The SHA-256 of `request`, in hex.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    request_digest: RequestDigest,
    /// The canonical request (RFC 8785): everything that changes what the task does. A string, so that its bytes stay.
    request: String,
    /// The rule that let it run, asked or refused.
    rule: String,
    /// Which start of it this is; 0 before the first.
    attempt: u32,
    /// The id of the runner that runs or ran it.
    #[schema(value_type = Option<Uuid>)]
    runner: Option<RunnerId>,
    /// What that is called.
    runner_name: Option<String>,
    /// Whether somebody asked to stop it.
    cancel_asked: bool,
    /// When it was submitted.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it began to wait for a runner, the last time.
    #[schema(value_type = Option<String>, format = DateTime)]
    queued_at: Option<Timestamp>,
    /// When it started, the last time.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    /// How its run ended, where one did.
    ending: Option<Ending>,
    /// How many lines of output of this start are kept.
    output_lines: i64,
    /// The runner's receipt in canonical form (RFC 8785), once it ended.
    receipt: Option<String>,
    /// The runner's signature over the receipt (ECDSA P-384 with SHA-384, ASN.1), in base64.
    receipt_signature: Option<String>,
    /// The key that the signature verifies with (SubjectPublicKeyInfo, DER), in base64.
    runner_key: Option<String>,
}

impl WholeTask {
    /// The task with its labels.
    pub fn new(task: Task, labels: Labels) -> Result<Self, store::Error> {
        let request = task.read_request()?;
        let ending = task.end().map(Ending::from);
        let receipt = task.read_receipt().and_then(|receipt| String::from_utf8(receipt.canonical()).ok());
        let priority = Priority::ALL.iter().copied().find(|it| it.rank() == task.priority).unwrap_or_default();
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
            priority,
            request_digest: task.request_digest,
            request: task.request,
            rule: task.rule,
            attempt: task.attempt,
            runner: task.runner_id,
            runner_name: task.runner,
            cancel_asked: task.cancel_asked,
            created_at: task.created_at,
            queued_at: task.queued_at,
            started_at: task.started_at,
            ended_at: task.ended_at,
            ending,
            output_lines: task.next_line - 1,
            receipt_signature: receipt.as_ref().and(task.receipt_signature).map(|bytes| STANDARD.encode(bytes)),
            runner_key: receipt.as_ref().and(task.runner_key).map(|bytes| STANDARD.encode(bytes)),
            receipt,
        })
    }
}

/// How a run ended.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct Ending {
    /// `exited`, `signaled`, `timed_out`, `cancelled`, `out_of_memory` or `not_started`.
    how: &'static str,
    /// The exit status, 0 to 255, where it exited.
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    /// The signal's number, where one ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<i32>,
    /// Why it could not be started, and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<End> for Ending {
    fn from(end: End) -> Self {
        let how = |how| Self { how, ..Self::default() };
        match end {
            End::Exited(code) => Self { exit_code: Some(code), ..how("exited") },
            End::Signaled(signal) => Self { signal: Some(signal), ..how("signaled") },
            End::TimedOut => how("timed_out"),
            End::Cancelled => how("cancelled"),
            End::OutOfMemory => how("out_of_memory"),
            End::NotStarted(reason) => Self { reason: Some(reason), ..how("not_started") },
        }
    }
}

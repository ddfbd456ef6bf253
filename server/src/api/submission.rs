//! A task that is asked for, and what became of it, as JSON.
use super::words;
use domain::{
    TaskId,
    network::NetworkPolicy,
    request::RequestDigest,
    task::{Priority, TaskState, Tool},
    visibility::Visibility,
};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// What may be asked for. Fields that are left out take the careful default.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes `domain::task::SubmissionForm`, which is what is read; a test holds them equal"
)]
pub(super) struct NewTask {
    /// `bash`.
    #[schema(required = false, value_type = words::Tool, default = "bash")]
    tool: Tool,
    /// The script: 1 byte to 256 KiB of text without NUL, in 20,000 lines at most.
    #[schema(min_length = 1, max_length = 262_144)]
    script: String,
    /// A line to recognize it by, up to 120 characters; made from the script when left out.
    #[schema(required = false, max_length = 120)]
    title: String,
    /// Private unless said otherwise.
    #[schema(required = false, value_type = words::Visibility, default = "private")]
    visibility: Visibility,
    /// Air-gapped unless said otherwise.
    #[schema(required = false, value_type = words::NetworkPolicy, default = "isolated")]
    network_policy: NetworkPolicy,
    /// Hosts under `allow_list`; an empty list means no host.
    #[schema(required = false)]
    allowed_hosts: Vec<String>,
    /// Wall time in seconds.
    #[schema(minimum = 1, maximum = 86_400, default = 300)]
    timeout_seconds: Option<u32>,
    /// Memory in MiB; everything written to the sandbox's folders counts too.
    #[schema(minimum = 16, maximum = 65_536, default = 512)]
    memory_mib: Option<u32>,
    /// Thousandths of a core.
    #[schema(minimum = 50, maximum = 64_000, default = 1_000)]
    cpu_millis: Option<u32>,
    /// Processes and threads at once.
    #[schema(minimum = 2, maximum = 4_096, default = 64)]
    processes: Option<u32>,
    /// Size of the work folder in MiB.
    #[schema(minimum = 1, maximum = 65_536, default = 256)]
    disk_mib: Option<u32>,
    /// At most 16. Keys: 1 to 63 of `a-z 0-9 . _ / -`; values: up to 255 visible characters.
    #[schema(required = false)]
    labels: BTreeMap<String, String>,
    /// Which of the waiting tasks goes first.
    #[schema(required = false, value_type = words::Priority, default = "normal")]
    priority: Priority,
    /// The organization's id; may be left out by somebody who is in one organization only.
    organization: Option<Uuid>,
}

/// What became of a submission.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SubmittedTask {
    /// The task's id.
    #[schema(value_type = Uuid)]
    pub id: TaskId,
    /// Where it stands.
    #[schema(value_type = words::TaskState)]
    pub state: TaskState,
    /// The SHA-256 of the canonical request, in hex: exactly what will run.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub request_digest: RequestDigest,
}

/// Where a task stands after it was asked to stop.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CancelledTask {
    /// The task's id.
    #[schema(value_type = Uuid)]
    pub id: TaskId,
    /// `cancelled`, or `assigned` or `running` where its runner has to stop it first.
    #[schema(value_type = words::TaskState)]
    pub state: TaskState,
}

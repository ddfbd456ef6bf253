//! Task submission schemas: request and responses.
use super::enums;
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

/// A new task. Omitted fields have the most restrictive default.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes `domain::task::SubmissionForm`, which is deserialized instead; a test compares them"
)]
pub(super) struct NewTask {
    /// Tool that runs the task.
    #[schema(required = false, value_type = enums::Tool, default = "bash")]
    tool: Tool,
    /// Script, 1 byte to 256 KiB of text without NUL, at most 20,000 lines.
    #[schema(min_length = 1, max_length = 262_144)]
    script: String,
    /// Title, up to 120 characters. Derived from the script by default.
    #[schema(required = false, max_length = 120)]
    title: String,
    /// Who can see the task besides its owner, admins and auditors.
    #[schema(required = false, value_type = enums::Visibility, default = "private")]
    visibility: Visibility,
    /// Network access of the task.
    #[schema(required = false, value_type = enums::NetworkPolicy, default = "isolated")]
    network_policy: NetworkPolicy,
    /// Allowed hosts with `allow_list`; an empty list allows none.
    #[schema(required = false)]
    allowed_hosts: Vec<String>,
    /// Maximum wall-clock time, in seconds.
    #[schema(minimum = 1, maximum = 86_400, default = 300)]
    timeout_seconds: Option<u32>,
    /// Memory limit in MiB, including files written in the sandbox.
    #[schema(minimum = 16, maximum = 65_536, default = 512)]
    memory_mib: Option<u32>,
    /// CPU limit in millicores (thousandths of a core).
    #[schema(minimum = 50, maximum = 64_000, default = 1_000)]
    cpu_millis: Option<u32>,
    /// Maximum number of concurrent processes and threads.
    #[schema(minimum = 2, maximum = 4_096, default = 64)]
    processes: Option<u32>,
    /// Size limit of the working directory, in MiB.
    #[schema(minimum = 1, maximum = 65_536, default = 256)]
    disk_mib: Option<u32>,
    /// Labels, at most 16. Keys: 1 to 63 of `a-z 0-9 . _ / -`; values: up to 255 visible characters.
    #[schema(required = false)]
    labels: BTreeMap<String, String>,
    /// Priority among queued tasks.
    #[schema(required = false, value_type = enums::Priority, default = "normal")]
    priority: Priority,
    /// Organization ID. Optional if the key's owner is a member of only one organization.
    organization: Option<Uuid>,
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

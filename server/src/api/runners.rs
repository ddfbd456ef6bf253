//! Runner operations of the API.
use super::{
    extract::{NoParameters, QueryParameters, Reader},
    responses::List,
};
use crate::{problem::Problem, state::App};
use axum::{Json, extract::State};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{RunnerId, Timestamp, policy::ReadTasks};
use serde::{Deserialize, Serialize};
use store::Runner;
use utoipa::ToSchema;

/// An enrolled runner.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EnrolledRunner {
    /// Runner ID.
    #[schema(value_type = Uuid)]
    id: RunnerId,
    /// Name of the runner.
    name: String,
    /// Version of the runner program.
    version: String,
    /// Tools that the runner supports.
    capabilities: Vec<String>,
    /// Maximum number of concurrent tasks.
    slots: i64,
    /// Sandbox posture; null until the runner has connected.
    posture: Option<Posture>,
    /// Whether the runner is connected.
    connected: bool,
    /// Whether the operator of the runner stopped it.
    stopped: bool,
    /// When the runner was reported as silent, until it is seen again.
    #[schema(value_type = Option<String>, format = DateTime)]
    silent_at: Option<Timestamp>,
    /// When the runner enrolled.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the runner's certificate expires.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// When the runner last sent a message.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_seen_at: Option<Timestamp>,
    /// When the runner was revoked, if it was.
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
    /// Public key that verifies its receipts (SubjectPublicKeyInfo, DER), in base64.
    public_key: String,
}

/// Sandbox of a runner, as it reports it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Posture {
    /// Version of bubblewrap; empty if it is not installed.
    bubblewrap: String,
    /// Whether system calls are filtered.
    seccomp: bool,
    /// Whether unprivileged user namespaces are available.
    user_namespaces: bool,
    /// Whether the host's abstract Unix sockets are unreachable.
    sockets_scoped: bool,
    /// Mechanism that enforces resource limits: `cgroup v2`, `cgroup v1` or `resource limits`.
    limiter: String,
    /// What the mechanism limits.
    limiter_note: String,
    /// Users that tasks run as.
    account: String,
    /// Whether each task has a kernel user ID of its own.
    separate_ids: bool,
    /// How user IDs are assigned.
    ids_note: String,
    /// Why no task can run; null if tasks can run.
    unfit: Option<Unfit>,
}

/// Why a runner cannot run tasks.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Unfit {
    /// Cause.
    cause: String,
    /// How to fix it.
    fix: String,
}

impl From<Runner> for EnrolledRunner {
    fn from(row: Runner) -> Self {
        Self {
            id: row.id,
            name: row.name,
            version: row.version,
            capabilities: row.capabilities.split(',').filter(|tool| !tool.is_empty()).map(str::to_owned).collect(),
            slots: row.slots,
            posture: serde_json::from_str(&row.posture).ok(),
            connected: row.connected,
            stopped: row.stopped,
            silent_at: row.silent_at,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_seen_at: row.last_seen_at,
            revoked_at: row.revoked_at,
            public_key: STANDARD.encode(row.public_key),
        }
    }
}

/// Page of runners. The alias gives the schema a name, which utoipa would compose of a generic type.
type EnrolledRunnerList = List<EnrolledRunner>;

/// List runners
///
/// Returns all runners of the tenant on one page, newest first. Requires the scope `tasks:read`.
#[utoipa::path(
    get, path = "/api/v1/runners", tag = "Runners", security(("bearer" = ["tasks:read"])),
    responses((status = 200, description = "All runners.", body = EnrolledRunnerList))
)]
pub(super) async fn list_runners(
    reader: Reader<ReadTasks>,
    State(app): State<App>,
    _: QueryParameters<NoParameters>,
) -> Result<Json<EnrolledRunnerList>, Problem> {
    let runners = app.store.read(&reader.program.actor).await?.runners().await?;
    Ok(Json(List::complete(runners.into_iter().map(EnrolledRunner::from).collect())))
}

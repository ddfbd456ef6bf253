//! Runners for programs: who could run a task.
use super::{
    document::{Always, List},
    received::Reads,
};
use crate::{problem::Problem, state::App};
use axum::{Json, extract::State};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{RunnerId, Timestamp, policy::ReadTasks};
use serde::Serialize;
use serde_json::Value;
use store::Runner;
use utoipa::ToSchema;

/// An enrolled runner.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EnrolledRunner {
    /// The runner's id.
    #[schema(value_type = Uuid)]
    id: RunnerId,
    /// What people call it.
    name: String,
    /// The program's version.
    version: String,
    /// The tools that it runs.
    capabilities: Vec<String>,
    /// How many tasks it runs at once.
    slots: i64,
    /// What its sandbox is, as the runner says.
    #[schema(value_type = Object)]
    posture: Value,
    /// Whether it is connected.
    connected: bool,
    /// When it enrolled.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When its certificate ends.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// When it last said something.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_seen_at: Option<Timestamp>,
    /// When it was revoked, if it was.
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
    /// The key that its receipts verify with (SubjectPublicKeyInfo, DER), in base64.
    public_key: String,
}

impl From<Runner> for EnrolledRunner {
    fn from(row: Runner) -> Self {
        Self {
            id: row.id,
            name: row.name,
            version: row.version,
            capabilities: row.capabilities.split(',').filter(|tool| !tool.is_empty()).map(str::to_owned).collect(),
            slots: row.slots,
            posture: serde_json::from_str(&row.posture).unwrap_or_default(),
            connected: row.connected,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_seen_at: row.last_seen_at,
            revoked_at: row.revoked_at,
            public_key: STANDARD.encode(row.public_key),
        }
    }
}

/// List runners
///
/// All of the tenant, newest first, on one page. Needs the scope `tasks:read`.
#[utoipa::path(
    get, path = "/api/v1/runners", tag = "Runners", security(("bearer" = ["tasks:read"])),
    responses((status = 200, description = "All of them.", body = List<EnrolledRunner>), Always)
)]
pub(super) async fn list_runners(
    reader: Reads<ReadTasks>,
    State(app): State<App>,
) -> Result<Json<List<EnrolledRunner>>, Problem> {
    let runners = app.store.read(&reader.program.actor).await?.runners().await?;
    Ok(Json(List::whole(runners.into_iter().map(EnrolledRunner::from).collect())))
}

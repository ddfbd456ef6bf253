//! Health endpoints for load balancers.
use crate::{problem::Problem, problem_type::ProblemType, state::App};
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use std::{path::Path, time::Duration};

/// The paths that load balancers probe.
pub(crate) const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// Returns the routes `/healthz` and `/readyz`.
pub fn routes(app: App) -> Router {
    Router::new().route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(ready)).with_state(app)
}

/// Minimum free disk space in bytes; with less, writes may fail.
const MIN_FREE_BYTES: u64 = 4 << 20;

/// Returns whether the disk of the data directory is full. If that cannot be determined, returns `false`.
pub(crate) fn is_full(data: &Path) -> bool {
    rustix::fs::statvfs(data).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < MIN_FREE_BYTES)
}

/// Timeout of the database check.
const PING_TIMEOUT: Duration = Duration::from_secs(3);

async fn ready(State(app): State<App>) -> Response {
    match tokio::time::timeout(PING_TIMEOUT, app.store.accepts_changes()).await {
        Ok(Ok(false)) => {
            tracing::error!("not ready: the database is read-only");
            let detail = "The database is read-only: a standby, or default_transaction_read_only is set.";
            Problem::new(ProblemType::DatabaseNotReady, detail).into_response()
        }
        Ok(Ok(true)) if is_full(&app.config.data_dir) => {
            tracing::error!("not ready: the disk of the data directory is full");
            let detail = "The disk of the data directory is full.";
            Problem::new(ProblemType::DiskNotReady, detail).into_response()
        }
        Ok(Ok(true)) => "ready\n".into_response(),
        failed => {
            tracing::error!(?failed, "not ready: the database does not answer");
            let detail = "The database does not answer.";
            Problem::new(ProblemType::DatabaseNotReady, detail).into_response()
        }
    }
}

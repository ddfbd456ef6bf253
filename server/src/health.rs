//! Health endpoints and Prometheus metrics.
use crate::{config::Config, problem::Problem, problem_type::ProblemType, state::App};
use axum::{
    Extension, Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, header};
use secrecy::ExposeSecret;
use std::{
    fmt::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use subtle::ConstantTimeEq;

/// Number of responses by status class, 1xx to 5xx.
#[derive(Clone, Debug, Default)]
pub struct Counters(Arc<[AtomicU64; 5]>);

/// The paths that load balancers probe.
pub(crate) const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// Returns the routes `/healthz`, `/readyz` and `/metrics`.
pub fn routes(app: App, counters: Counters) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .layer(Extension(counters))
        .with_state(app)
}

/// Counts every response of `router`. Call it when the router is complete.
pub fn counted(router: Router, counters: Counters) -> Router {
    router.layer(from_fn_with_state(counters, count))
}

async fn count(State(counters): State<Counters>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let class = usize::from(response.status().as_u16() / 100);
    if let Some(counter) = class.checked_sub(1).and_then(|class| counters.0.get(class)) {
        counter.fetch_add(1, Relaxed);
    }
    response
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

async fn metrics(
    State(app): State<App>,
    Extension(counters): Extension<Counters>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    authorize(&app.config, &headers)?;
    let mut text = format!(
        "# HELP castellan_build_info Version of the server.\n# TYPE castellan_build_info gauge\n\
         castellan_build_info{{version=\"{}\"}} 1\n\
         # HELP castellan_http_requests_total HTTP responses by status class.\n\
         # TYPE castellan_http_requests_total counter\n",
        env!("CARGO_PKG_VERSION"),
    );
    for (class, counter) in (1..).zip(counters.0.iter()) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "castellan_http_requests_total{{class=\"{class}xx\"}} {}", counter.load(Relaxed));
    }
    text.push_str(
        "# HELP castellan_rate_limit_exceeded_total Requests rejected by rate limits, by class.\n\
         # TYPE castellan_rate_limit_exceeded_total counter\n",
    );
    for (class, refused) in app.rates.refused() {
        let _ = writeln!(text, "castellan_rate_limit_exceeded_total{{class=\"{}\"}} {refused}", class.as_str());
    }
    if let Some(state) = app.certificate.as_ref().map(|certificate| certificate.state()) {
        let _ = writeln!(
            text,
            "# HELP castellan_tls_certificate_expiry_seconds Expiry of the TLS certificate, in seconds since 1970.\n\
             # TYPE castellan_tls_certificate_expiry_seconds gauge\n\
             castellan_tls_certificate_expiry_seconds {}\n\
             # HELP castellan_tls_certificate_broken Whether the certificate files are invalid and the previous certificate is in use.\n\
             # TYPE castellan_tls_certificate_broken gauge\n\
             castellan_tls_certificate_broken {}",
            state.not_after.unix_timestamp(),
            u8::from(state.trouble.is_some()),
        );
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}

/// Authorizes access to the metrics by the configured token. There is no exception for this machine: a task with unrestricted
/// network access on a runner here connects from a loopback address, too.
fn authorize(config: &Config, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(token) = &config.metrics.token else {
        return Err(Problem::forbidden(
            "Metrics are off. To read them, set `metrics.token` and send it as a bearer token.",
        ));
    };
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let valid = given.is_some_and(|given| given.as_bytes().ct_eq(token.0.expose_secret().as_bytes()).into());
    if valid { Ok(()) } else { Err(Problem::unauthorized("Send the token from the setting `metrics.token`.")) }
}

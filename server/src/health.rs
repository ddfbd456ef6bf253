//! Whether the server lives and can work, and figures for Prometheus.
use crate::{config::Config, http::ClientAddress, problem::Problem, state::App};
use axum::{
    Extension, Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, header};
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

/// How many requests were answered, by the class of the status: 1xx to 5xx.
#[derive(Clone, Debug, Default)]
pub struct Counters(Arc<[AtomicU64; 5]>);

/// `/healthz`, `/readyz` and `/metrics`.
pub fn routes(app: App, counters: Counters) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .layer(Extension(counters))
        .with_state(app)
}

/// Counts every answer of `router`. Call it when the router is complete.
pub fn counted(router: Router, counters: Counters) -> Router {
    router.layer(from_fn_with_state(counters, count))
}

async fn count(State(counters): State<Counters>, request: Request, next: Next) -> Response {
    let answer = next.run(request).await;
    let class = usize::from(answer.status().as_u16() / 100);
    if let Some(counter) = class.checked_sub(1).and_then(|class| counters.0.get(class)) {
        counter.fetch_add(1, Relaxed);
    }
    answer
}

/// With less room than this in bytes, a change of usual size may fail.
const ROOM: u64 = 4 << 20;

/// Whether there is no room left where the data is. A folder that cannot be asked is the database's trouble to tell.
pub(crate) fn is_full(data: &Path) -> bool {
    rustix::fs::statvfs(data).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < ROOM)
}

/// How long the database may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(3);

async fn ready(State(app): State<App>) -> Response {
    match tokio::time::timeout(PATIENCE, app.store.ping()).await {
        Ok(Ok(())) if is_full(&app.config.data_dir) => {
            tracing::error!("not ready: the disk of the data folder is full");
            let detail = "The disk of the data folder is full.";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Not ready: disk", detail).into_response()
        }
        Ok(Ok(())) => "ready\n".into_response(),
        failed => {
            tracing::error!(?failed, "not ready: the database does not answer");
            let detail = "The database does not answer.";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Not ready: database", detail).into_response()
        }
    }
}

async fn metrics(
    State(app): State<App>,
    Extension(counters): Extension<Counters>,
    client: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    admit(&app.config, client.map(|Extension(client)| client), &headers)?;
    let mut text = format!(
        "# HELP castellan_build_info The program's version.\n# TYPE castellan_build_info gauge\n\
         castellan_build_info{{version=\"{}\"}} 1\n\
         # HELP castellan_http_requests_total Requests answered, by the class of their status.\n\
         # TYPE castellan_http_requests_total counter\n",
        env!("CARGO_PKG_VERSION"),
    );
    for (class, counter) in (1..).zip(counters.0.iter()) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "castellan_http_requests_total{{class=\"{class}xx\"}} {}", counter.load(Relaxed));
    }
    text.push_str(
        "# HELP castellan_rate_limit_exceeded_total Requests refused because too many came, by class.\n\
         # TYPE castellan_rate_limit_exceeded_total counter\n",
    );
    for (class, refused) in app.rates.refused() {
        let _ = writeln!(text, "castellan_rate_limit_exceeded_total{{class=\"{}\"}} {refused}", class.as_str());
    }
    if let Some(state) = app.certificate.as_ref().map(|certificate| certificate.state()) {
        let _ = writeln!(
            text,
            "# HELP castellan_tls_certificate_expiry_seconds When the certificate ends, since 1970.\n\
             # TYPE castellan_tls_certificate_expiry_seconds gauge\n\
             castellan_tls_certificate_expiry_seconds {}\n\
             # HELP castellan_tls_certificate_broken Whether the files hold another one that cannot be used.\n\
             # TYPE castellan_tls_certificate_broken gauge\n\
             castellan_tls_certificate_broken {}",
            state.not_after.unix_timestamp(),
            u8::from(state.trouble.is_some()),
        );
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}

/// Who may read the figures: whoever has the token; without one configured, this machine itself, and only where nobody
/// else can reach us, directly or through a proxy that would look like this machine.
fn admit(config: &Config, client: Option<ClientAddress>, headers: &HeaderMap) -> Result<(), Problem> {
    if let Some(token) = &config.metrics.token {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let right = given.is_some_and(|given| given.as_bytes().ct_eq(token.0.expose_secret().as_bytes()).into());
        return if right {
            Ok(())
        } else {
            Err(Problem::unauthorized("Send the token of the setting `metrics.token`."))
        };
    }
    let local = client.is_some_and(|client| client.0.to_canonical().is_loopback());
    let reachable = !config.listen.ip().to_canonical().is_loopback() || config.tls_terminated_by_proxy;
    let forwarded = ["x-forwarded-for", "forwarded", "via"].iter().any(|name| headers.contains_key(*name));
    if local && !reachable && !forwarded {
        return Ok(());
    }
    Err(Problem::forbidden("These figures need a token: set `metrics.token` and send it as a bearer token."))
}

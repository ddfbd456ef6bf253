//! Prometheus metrics at `/metrics` (A-08, K-06). docs/metrics.md describes each of them.
mod figures;
mod process;
mod requests;

pub(crate) use process::{OpenStream, StreamKind, process};
pub(crate) use requests::RouteTemplate;
pub use requests::counted;

use crate::{anonymous_log, config::Metrics, http::ClientAddress, problem::Problem, state::App};
use axum::{
    Extension, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use domain::security::SecurityEvent;
use http::{HeaderMap, header};
use prometheus_client::{encoding::prometheus_text::encode, registry::Registry};
use secrecy::ExposeSecret;
use std::net::IpAddr;
use subtle::ConstantTimeEq;

/// Returns the route `/metrics`.
pub fn routes(app: App) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(app)
}

async fn metrics(
    State(app): State<App>,
    client: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    authorize(&app.config.metrics, client.map(|Extension(client)| client.0), &headers)?;
    let mut registry = Registry::default();
    store::metrics().register(&mut registry);
    process().register(&mut registry);
    figures::register(&app, &mut registry).await;
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|error| {
        tracing::error!(%error, "the metrics cannot be written");
        Problem::broken()
    })?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// Authorizes access by the configured addresses and the token. The token is always required, also on this machine: a task with
/// unrestricted network access on a runner here connects from a loopback address, too.
fn authorize(config: &Metrics, client: Option<IpAddr>, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(token) = &config.token else {
        return Err(Problem::forbidden(
            "Metrics are off. To read them, set `metrics.token` and send it as a bearer token.",
        ));
    };
    let is_in = |address: IpAddr| config.allow.iter().any(|network| network.contains(&address.to_canonical()));
    if !config.allow.is_empty() && !client.is_some_and(is_in) {
        let address = client.map_or_else(|| "unknown".to_owned(), |address| address.to_canonical().to_string());
        return Err(Problem::forbidden(format!(
            "Your address is {address}, which is not among those of the setting `metrics.allow`."
        )));
    }
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    match given.map(|given| given.as_bytes().ct_eq(token.0.expose_secret().as_bytes()).into()) {
        Some(true) => Ok(()),
        given => {
            if given.is_some() {
                let event = SecurityEvent::AuthenticationFailure;
                anonymous_log::refused(event, client, None, "GET /metrics", "the metrics token is wrong");
            }
            Err(Problem::unauthorized("Send the token from the setting `metrics.token`."))
        }
    }
}

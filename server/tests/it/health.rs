//! Health, readiness and metrics endpoints.
use crate::test_env::{Response, TestEnv};
use axum::{Router, body::Body};
use http::Request;
use server::{
    config,
    health::{self, Counters},
    http::ClientAddress,
    state::App,
};
use std::{net::IpAddr, sync::Arc};
use tower::ServiceExt;

fn routes(app: &App) -> Router {
    let counters = Counters::default();
    health::counted(health::routes(app.clone(), counters.clone()), counters)
}

async fn get(routes: &Router, path: &str, from: &str, headers: &[(&'static str, &str)]) -> Response {
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    request.extensions_mut().insert(ClientAddress(from.parse::<IpAddr>().unwrap()));
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    Response::of(routes.clone().oneshot(request).await.unwrap()).await
}

/// Returns the same deployment with another configuration.
fn with(env: &TestEnv, variables: &[(&str, &str)]) -> App {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    App { config: Arc::new(config::load_from(None, variables).unwrap()), ..env.app.clone() }
}

#[tokio::test]
async fn a_server_without_its_database_is_alive_and_not_ready() {
    let env = TestEnv::sqlite().await;
    let routes = routes(&env.app);
    assert_eq!(get(&routes, "/healthz", "192.0.2.1", &[]).await.status, 200);
    assert_eq!(get(&routes, "/readyz", "192.0.2.1", &[]).await.status, 200);
    env.app.store.close().await;
    assert_eq!(get(&routes, "/healthz", "192.0.2.1", &[]).await.status, 200);
    let response = get(&routes, "/readyz", "192.0.2.1", &[]).await;
    assert!(response.problem(503)["title"].as_str().unwrap().contains("database"));
}

///
#[tokio::test]
async fn a_08_metrics_need_the_token_from_every_address() {
    let env = TestEnv::sqlite().await;
    let off = routes(&env.app);
    for from in ["127.0.0.1", "::1", "192.0.2.1"] {
        let refused = get(&off, "/metrics", from, &[("authorization", "Bearer sixteen-or-more-characters")]).await;
        assert!(refused.problem(403)["detail"].as_str().unwrap().contains("metrics.token"), "{from}");
    }

    let guarded = routes(&with(&env, &[("CASTELLAN_METRICS_TOKEN", "sixteen-or-more-characters")]));
    get(&guarded, "/metrics", "127.0.0.1", &[]).await.problem(401);
    get(&guarded, "/metrics", "192.0.2.1", &[("authorization", "Bearer wrong")]).await.problem(401);
    let right = [("authorization", "Bearer sixteen-or-more-characters")];
    let figures = get(&guarded, "/metrics", "192.0.2.1", &right).await;
    assert_eq!(figures.status, 200);
    assert!(figures.body.contains("castellan_build_info{version=\""), "{figures:?}");
    let again = get(&guarded, "/metrics", "127.0.0.1", &right).await;
    assert!(again.body.contains("castellan_http_requests_total{class=\"2xx\"} 1\n"), "{again:?}");
    env.end().await;
}

#[test]
fn a_08_a_short_token_is_refused_and_no_token_is_displayed() {
    let load = |token: &str| {
        config::load_from(None, std::iter::once(("CASTELLAN_METRICS_TOKEN".to_owned(), token.to_owned())))
    };
    let message = load("too-short").unwrap_err().to_string();
    assert!(message.contains("metrics.token") && !message.contains("too-short"), "{message}");
    assert!(!format!("{:?}", load("sixteen-or-more-characters").unwrap()).contains("sixteen"));
}

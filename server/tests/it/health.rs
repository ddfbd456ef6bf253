//! Health endpoints for load balancers.
use crate::test_env::{Response, TestEnv};
use axum::{Router, body::Body};
use http::Request;
use server::health;
use tower::ServiceExt;

async fn get(routes: &Router, path: &str) -> Response {
    let request = Request::get(path).body(Body::empty()).unwrap();
    Response::of(routes.clone().oneshot(request).await.unwrap()).await
}

#[tokio::test]
async fn a_server_without_its_database_is_alive_and_not_ready() {
    let env = TestEnv::sqlite().await;
    let routes = health::routes(env.app.clone());
    assert_eq!(get(&routes, "/healthz").await.status, 200);
    assert_eq!(get(&routes, "/readyz").await.status, 200);
    env.app.store.close().await;
    assert_eq!(get(&routes, "/healthz").await.status, 200);
    let response = get(&routes, "/readyz").await;
    assert!(response.problem(503)["title"].as_str().unwrap().contains("database"));
}

//! Metrics: who can read them, and what their labels reveal.
use crate::test_env::{Response, TestEnv, on_both};
use axum::{Router, body::Body};
use http::{Method, Request};
use server::{config, health, http::ClientAddress, metrics, state::App};
use std::{net::IpAddr, sync::Arc};
use tower::ServiceExt;

const TOKEN: &str = "sixteen-or-more-characters";

/// Returns the API and the metrics of a deployment with these settings.
fn routes(env: &TestEnv, variables: &[(&str, &str)]) -> Router {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let config = Arc::new(config::load_from(None, variables).unwrap());
    let app = App { config, ..env.app.clone() };
    metrics::counted(env.api.clone().merge(health::routes(app.clone())).merge(metrics::routes(app)))
}

async fn send(routes: &Router, method: &str, path: &str, from: &str, token: Option<&str>) -> Response {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let mut request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    request.extensions_mut().insert(ClientAddress(from.parse::<IpAddr>().unwrap()));
    if let Some(token) = token {
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    Response::of(routes.clone().oneshot(request).await.unwrap()).await
}

async fn get(routes: &Router, from: &str, token: Option<&str>) -> Response {
    send(routes, "GET", "/metrics", from, token).await
}

/// Returns the value of a series.
fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in {text}")).parse().unwrap()
}

on_both! {
    async fn a_08_metrics_need_the_token_from_every_address(env) {
        let off = routes(env, &[]);
        for from in ["127.0.0.1", "::1", "192.0.2.1"] {
            let refused = get(&off, from, Some(TOKEN)).await;
            assert!(refused.problem(403)["detail"].as_str().unwrap().contains("metrics.token"), "{from}");
        }
        let guarded = routes(env, &[("CASTELLAN_METRICS_TOKEN", TOKEN)]);
        get(&guarded, "127.0.0.1", None).await.problem(401);
        get(&guarded, "192.0.2.1", Some("wrong")).await.problem(401);
        let figures = get(&guarded, "192.0.2.1", Some(TOKEN)).await;
        assert_eq!((figures.status.as_u16(), figures.header("content-type")), (200, Some("text/plain; version=0.0.4; charset=utf-8")));
        assert!(figures.body.contains("castellan_build_info{version=\""), "{figures:?}");
        assert_eq!(value(&figures.body, "castellan_security_events_total{event=\"authentication_failure\"}"), 1.0, "the wrong token");
    }

    async fn a_08_metrics_can_be_limited_to_addresses(env) {
        let only = [("CASTELLAN_METRICS_TOKEN", TOKEN), ("CASTELLAN_METRICS_ALLOW", "192.0.2.0/28,2001:db8::7")];
        let guarded = routes(env, &only);
        for from in ["192.0.2.1", "::ffff:192.0.2.15", "2001:db8::7"] {
            assert_eq!(get(&guarded, from, Some(TOKEN)).await.status, 200, "{from}");
            get(&guarded, from, None).await.problem(401);
        }
        for (from, shown) in [("192.0.2.16", "192.0.2.16"), ("127.0.0.1", "127.0.0.1"), ("::ffff:127.0.0.1", "127.0.0.1"), ("2001:db8::8", "2001:db8::8")] {
            let refused = get(&guarded, from, Some(TOKEN)).await.problem(403);
            let detail = refused["detail"].as_str().unwrap();
            assert!(detail.contains("metrics.allow") && detail.contains(shown), "{detail}");
        }
        // Without a token the addresses alone open nothing.
        get(&routes(env, &only[1..]), "192.0.2.1", None).await.problem(403);
    }

    async fn a_08_requests_are_counted_by_template_and_names_are_no_labels(env) {
        let guarded = routes(env, &[("CASTELLAN_METRICS_TOKEN", TOKEN)]);
        let key = env.key(&env.acme, env.acme.mia, "tasks:submit,tasks:read").await;
        let task = env.submit(&key, serde_json::json!({ "script": "echo hi" })).await;
        for (query, status) in [("", 200), ("?secret=1", 422)] {
            let path = format!("/api/v1/tasks/{task}{query}");
            assert_eq!(send(&guarded, "GET", &path, "192.0.2.1", Some(&key)).await.status, status);
        }
        send(&guarded, "GET", "/api/v1/tasks/not-an-id", "192.0.2.1", Some(&key)).await;
        send(&guarded, "EXPLOIT", "/nowhere/hidden", "192.0.2.1", None).await;
        let text = get(&guarded, "192.0.2.1", Some(TOKEN)).await.body;
        let series = |status: &str| format!("castellan_http_requests_total{{route=\"/api/v1/tasks/{{id}}\",method=\"GET\",status=\"{status}\"}}");
        assert_eq!((value(&text, &series("2xx")), value(&text, &series("4xx"))), (1.0, 2.0));
        assert_eq!(value(&text, "castellan_http_requests_total{route=\"other\",method=\"other\",status=\"4xx\"}"), 1.0);
        assert_eq!(value(&text, "castellan_tasks_open{state=\"queued\"}"), 1.0);
        for hidden in [task.to_string().as_str(), "secret", "not-an-id", "nowhere", "EXPLOIT", "acme", "rex", "mia", &env.acme.id.to_string()] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
    }

    async fn a_08_task_metrics_follow_a_task(env) {
        let guarded = routes(env, &[("CASTELLAN_METRICS_TOKEN", TOKEN)]);
        let scrape = async || get(&guarded, "192.0.2.1", Some(TOKEN)).await.body;
        let key = env.key(&env.acme, env.acme.mia, "tasks:submit,tasks:read").await;
        let before = scrape().await;
        assert_eq!(value(&before, "castellan_task_queue_wait_seconds_count"), 0.0);
        assert_eq!(value(&before, "castellan_task_oldest_queued_seconds"), 0.0);
        env.submit(&key, serde_json::json!({ "script": "echo hi" })).await;
        env.advance_clock(std::time::Duration::from_secs(7));
        assert_eq!(value(&scrape().await, "castellan_task_oldest_queued_seconds"), 7.0);
        let taken = env.start(&env.acme).await;
        let running = scrape().await;
        assert_eq!(value(&running, "castellan_tasks_open{state=\"running\"}"), 1.0);
        assert_eq!((value(&running, "castellan_task_queue_wait_seconds_count"), value(&running, "castellan_task_queue_wait_seconds_sum")), (1.0, 7.0));
        env.finish(&env.acme, &taken, domain::receipt::End::Exited(0), "").await;
        let ended = scrape().await;
        assert_eq!((value(&ended, "castellan_tasks_ended_total{state=\"succeeded\"}"), value(&ended, "castellan_tasks_open{state=\"running\"}")), (1.0, 0.0));
        assert!(value(&ended, "castellan_database_operation_duration_seconds_count{step=\"commit\"}") > 0.0);
    }
}

/// A scrape shows that the database is gone, and everything that does not need it.
#[tokio::test]
async fn a_08_metrics_remain_without_the_database() {
    let env = TestEnv::sqlite().await;
    let guarded = routes(&env, &[("CASTELLAN_METRICS_TOKEN", TOKEN)]);
    assert_eq!(value(&get(&guarded, "192.0.2.1", Some(TOKEN)).await.body, "castellan_database_up"), 1.0);
    env.app.store.close().await;
    let text = get(&guarded, "192.0.2.1", Some(TOKEN)).await.body;
    assert_eq!(value(&text, "castellan_database_up"), 0.0);
    assert!(!text.contains("castellan_tasks_open") && text.contains("castellan_http_requests_total"));
}

#[test]
fn a_08_a_short_token_is_refused_and_no_token_is_displayed() {
    let load = |token: &str| {
        config::load_from(None, std::iter::once(("CASTELLAN_METRICS_TOKEN".to_owned(), token.to_owned())))
    };
    let message = load("too-short").unwrap_err().to_string();
    assert!(message.contains("metrics.token") && !message.contains("too-short"), "{message}");
    assert!(!format!("{:?}", load(TOKEN).unwrap()).contains("sixteen"));
}

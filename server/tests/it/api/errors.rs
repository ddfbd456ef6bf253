//! Problem responses (RFC 9457) for input that cannot be parsed.
use crate::test_env::{Response, on_both};
use axum::body::Body;
use http::Request;

on_both! {
    async fn an_invalid_task_is_refused_with_the_name_of_the_field(env) {
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        let send = async |body: &str| env.post_with(&key, "/api/v1/tasks", &[], body).await;
        for (body, place) in [("", "line 1 column 0"), ("{\n \"script\": tru }", "line 2"), (r#"{"script":"a"} x"#, "column 16")] {
            let problem = send(body).await.problem(400);
            assert!(problem["detail"].as_str().unwrap().contains(place), "{problem}");
        }
        for (body, field) in [
            (r#"{"script":"a","sudo":true}"#, "sudo"),
            (r#"{"script":5}"#, "script"),
            (r#"{"script":"a","timeout_seconds":"soon"}"#, "timeout_seconds"),
            (r#"{"script":"a","timeout_seconds":-1}"#, "timeout_seconds"),
            (r#"{"script":"a","timeout_seconds":0}"#, "timeout_seconds"),
            (r#"{"script":"a","visibility":"everybody"}"#, "visibility"),
            (r#"{"script":"a","network_policy":"proxy"}"#, "network_policy"),
            (r#"{"script":"a","labels":{"UPPER":"x"}}"#, "labels"),
            (r#"{"script":"a","organization":"ops"}"#, "organization"),
            (r#"{"script":"a","script":"b"}"#, "script"),
            (r#"{"script":"  "}"#, "script"),
            (r#"{"tool":"bash"}"#, "script"),
            ("[]", "body"),
            ("5", "body"),
        ] {
            send(body).await.wrong_field(field);
        }
        let reason = send(r#"{"script":"a","labels":{"UPPER":"x"}}"#).await.json()["errors"][0]["reason"].clone();
        assert!(reason.as_str().unwrap().starts_with("a key is 1 to 63 of"), "{reason}");
    }

    async fn other_content_types_and_oversized_bodies_are_refused(env) {
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        env.post_with(&key, "/api/v1/tasks", &[("content-type", "text/plain")], "{}").await.problem(415);
        let much = format!(r#"{{"script":"{}"}}"#, "x".repeat(1_100_000));
        env.post_with(&key, "/api/v1/tasks", &[], &much).await.problem(413);
    }

    async fn query_parameters_are_validated(env) {
        let key = env.key(&env.acme, env.acme.audrey, "tasks:*,approvals:*,audit:*").await;
        for (path, field) in [
            ("/api/v1/tasks?color=red", "color"),
            ("/api/v1/tasks?limit=0", "limit"),
            ("/api/v1/tasks?limit=201", "limit"),
            ("/api/v1/tasks?limit=many", "limit"),
            ("/api/v1/tasks?limit=5&limit=6", "limit"),
            ("/api/v1/tasks?after=yesterday", "after"),
            ("/api/v1/tasks?after=", "after"),
            ("/api/v1/tasks?after=%27%20or%201%3D1", "after"),
            ("/api/v1/tasks?state=queued,flying", "state"),
            ("/api/v1/tasks?mine=perhaps", "mine"),
            ("/api/v1/tasks?label=team", "label"),
            ("/api/v1/tasks?organization=ops", "organization"),
            ("/api/v1/approvals?state=queued", "state"),
            ("/api/v1/approvals?after=7", "after"),
            ("/api/v1/audit?after=x", "after"),
            ("/api/v1/audit?since=yesterday", "since"),
            ("/api/v1/audit?outcome=maybe", "outcome"),
        ] {
            env.get(&key, path).await.wrong_field(field);
        }
        let beyond = env.get(&key, "/api/v1/audit?after=-9223372036854775808").await;
        assert_eq!(beyond.json()["items"], serde_json::json!([]));
    }

    async fn requests_need_exactly_one_valid_key(env) {
        let good = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        for headers in [vec![], vec![""], vec!["Basic bWlhOm1pYQ=="], vec!["Bearer"], vec!["Bearer mk_wrong"],
            vec!["Bearer \u{e9}"], vec!["mk_wrong"], vec![&*format!("Bearer {good}"), "Bearer mk_other"]] {
            let mut request = Request::get("/api/v1/tasks").body(Body::empty()).unwrap();
            for header in &headers {
                request.headers_mut().append("authorization", http::HeaderValue::from_bytes(header.as_bytes()).unwrap());
            }
            let response = Response::of(env.send(request).await).await;
            response.problem(401);
            assert_eq!(response.header("www-authenticate"), Some("Bearer"), "{headers:?}");
        }
        // A browser's cookie is not accepted as an API key.
        let request = Request::get("/api/v1/tasks").header("cookie", format!("castellan={good}")).body(Body::empty()).unwrap();
        Response::of(env.send(request).await).await.problem(401);
    }

    async fn unknown_paths_and_methods_return_problems(env) {
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        for path in ["/api", "/api/", "/api/v1", "/api/v2/tasks", "/api/v1/tasks/", "/api/v1/tasks/x/y"] {
            env.get(&key, path).await.problem(404);
        }
        for (method, path, allowed) in [
            ("DELETE", "/api/v1/tasks", ["GET", "POST"].as_slice()),
            ("POST", "/api/v1/audit", &["GET"]),
            ("GET", "/api/v1/approvals/x/approve", &["POST"]),
            ("OPTIONS", "/api/v1/tasks", &["GET", "POST"]),
        ] {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            let response = Response::of(env.send(request).await).await;
            response.problem(405);
            let allow = response.header("allow").unwrap_or_default();
            assert!(allowed.iter().all(|method| allow.contains(method)), "{method} {path}: {allow:?}");
        }
    }
}

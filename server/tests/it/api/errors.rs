//! Problem responses (RFC 9457) for input that cannot be parsed.
use crate::test_env::{Response, on_both};
use axum::body::Body;
use http::Request;
use serde_json::json;

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
        assert!(reason.as_str().unwrap().starts_with("must have keys of 1 to 63"), "{reason}");
    }

    async fn all_invalid_fields_of_a_body_are_reported_together(env) {
        let key = env.key(&env.acme, env.acme.mia, "tasks:*,approvals:*").await;
        let body = r#"{"script":" ","timeout_seconds":0,"memory_mib":"much","labels":{"team":5},"priority":"urgent","sudo":null,
            "disk_mib":-1,"disk_mib":2,"title":"\u202e","organization":"ops"}"#;
        let response = env.post_with(&key, "/api/v1/tasks", &[("idempotency-key", "a b")], body).await;
        response.wrong_fields(&["memory_mib", "labels", "priority", "sudo", "disk_mib", "disk_mib", "organization", "script",
            "title", "timeout_seconds", "Idempotency-Key"]);
        let errors = response.json()["errors"].clone();
        for (number, pointer, reason) in [
            (0, json!("#/memory_mib"), "must be a whole number from 0 to 4,294,967,295, but is the string \"much\""),
            (1, json!("#/labels/team"), "must be a string, but is the number 5"),
            (2, json!("#/priority"), "must be one of `low`, `normal`, `high`, but is the string \"urgent\""),
            (4, json!("#/disk_mib"), "must be a whole number from 0 to 4,294,967,295, but is the number -1"),
            (5, json!("#/disk_mib"), "must be given only once"),
            (6, json!("#/organization"), "must be a UUID, but is the string \"ops\""),
            (9, json!("#/timeout_seconds"), "0 is not between 1 and 86400"),
            (10, json!(null), "must appear once, with 1 to 255 visible ASCII characters"),
        ] {
            assert_eq!((&errors[number]["pointer"], &errors[number]["reason"]), (&pointer, &json!(reason)));
        }
        assert!(errors[3]["reason"].as_str().unwrap().starts_with("is unknown; the known names are `tool`, `script`"));
        let ada = env.key(&env.acme, env.acme.ada, "approvals:*").await;
        let deny = format!("/api/v1/approvals/{}/deny", uuid::Uuid::nil());
        env.post(&ada, &deny, json!({})).await.wrong_fields(&["reason", "request_digest"]);
        env.post(&ada, &deny, json!({ "reason": 1, "request_digest": "abc", "x": 1 })).await.wrong_fields(&["reason", "request_digest", "x"]);
    }

    async fn null_is_an_absent_field(env) {
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        let fields = ["tool", "title", "visibility", "network_policy", "allowed_hosts", "timeout_seconds", "memory_mib", "cpu_millis",
            "processes", "disk_mib", "labels", "priority", "organization"];
        let mut body: serde_json::Map<_, _> = fields.map(|field| (field.to_owned(), json!(null))).into_iter().collect();
        body.insert("script".into(), json!("true"));
        let task = env.submit(&key, body.into()).await;
        assert_eq!(env.get(&key, &format!("/api/v1/tasks/{task}")).await.json()["network_policy"], "isolated");
        env.post(&key, "/api/v1/tasks", json!({ "script": null })).await.wrong_field("script");
    }

    async fn a_whole_number_may_have_a_fraction_of_zero(env) {
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        let task = env.submit(&key, json!({ "script": "true", "timeout_seconds": 60.0 })).await;
        assert_eq!(env.get(&key, &format!("/api/v1/tasks/{task}")).await.json()["timeout_seconds"], 60);
        for number in [60.5, 1e300, -1.0] {
            env.post(&key, "/api/v1/tasks", json!({ "script": "true", "timeout_seconds": number })).await.wrong_field("timeout_seconds");
        }
    }

    async fn many_and_long_invalid_fields_are_cut_short(env) {
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        let name = |number: u32| format!("{number}/~{}", "x".repeat(200));
        let body: serde_json::Map<_, _> = (0..1_000).map(|number| (name(number), json!(1))).collect();
        let response = env.post(&key, "/api/v1/tasks", body.into()).await;
        let errors = response.problem(422)["errors"].as_array().unwrap().clone();
        assert_eq!((errors.len(), errors[0]["pointer"].as_str().unwrap().starts_with("#/0~1~0xx")), (20, true));
        assert!(response.body.len() < 20_000, "{}", response.body.len());
    }

    async fn all_invalid_query_parameters_are_reported_together(env) {
        let key = env.key(&env.acme, env.acme.audrey, "tasks:*,audit:*").await;
        env.get(&key, "/api/v1/tasks?limit=0&color=red&state=flying&label=team&organization=ops&limit=5&mine=")
            .await
            .wrong_fields(&["limit", "color", "state", "label", "organization", "limit", "mine"]);
        env.get(&key, "/api/v1/audit?since=now&event=x&person=1").await.wrong_fields(&["since", "event", "person"]);
        let label = env.get(&key, "/api/v1/tasks?label=team").await.json()["errors"][0]["reason"].clone();
        assert_eq!(label, "must have the form name=value, as in label=team=web");
    }

    async fn every_operation_refuses_unknown_query_parameters(env) {
        let key = env.key(&env.acme, env.acme.audrey, "tasks:*,approvals:*,audit:*").await;
        for (method, path) in server::api::table() {
            let path = format!("{}?paint=red", path.replace("{id}", &uuid::Uuid::nil().to_string()));
            let response = match method {
                "GET" => env.get(&key, &path).await,
                _ => env.post(&key, &path, json!({})).await,
            };
            response.wrong_field("paint");
        }
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

//! Task submission, lists and cancellation.
use crate::test_env::on_both;
use serde_json::json;

on_both! {
    async fn a_submitted_task_is_listed_and_shown(env) {
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        let body = json!({
            "tool": "bash", "script": "echo hi", "network_policy": "isolated", "allowed_hosts": [],
            "visibility": "private", "timeout_seconds": 60, "labels": { "team": "web" },
        });
        let made = env.post(&key, "/api/v1/tasks", body).await;
        assert_eq!(made.status, 201);
        let (id, digest) = (made.json()["id"].clone(), made.json()["request_digest"].clone());
        let address = format!("/api/v1/tasks/{}", id.as_str().unwrap());
        assert_eq!(made.header("location"), Some(address.as_str()));
        assert_eq!((made.json()["state"].clone(), digest.as_str().unwrap().len()), ("queued".into(), 64));

        let list = env.get(&key, "/api/v1/tasks").await.json();
        assert_eq!((&list["items"][0]["id"], &list["next"]), (&id, &json!(null)));

        let task = env.get(&key, &address).await.json();
        for (field, value) in [
            ("id", id), ("request_digest", digest), ("state", json!("queued")), ("script", json!("echo hi")),
            ("title", json!("echo hi")), ("organization", json!(env.acme.ops)), ("owner", json!(env.acme.mia)),
            ("visibility", json!("private")), ("network_policy", json!("isolated")), ("timeout_seconds", json!(60)),
            ("memory_mib", json!(512)), ("labels", json!({ "team": "web" })), ("priority", json!("normal")),
            ("attempt", json!(0)), ("output_lines", json!(0)), ("runner", json!(null)), ("receipt", json!(null)),
            ("created_at", json!("2026-03-01T14:05:09Z")), ("rule", json!("Isolated scripts run immediately")),
        ] {
            assert_eq!(task[field], value, "{field}");
        }
        let request: domain::request::Request = domain::request::Request::read(task["request"].as_str().unwrap().as_bytes()).unwrap();
        assert_eq!(request.script_bytes, 7);
    }

    /// S-09.
    async fn s_09_the_same_idempotency_key_submits_once(env) {
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        let send = async |body: &str, name: &str| env.post_with(&key, "/api/v1/tasks", &[("idempotency-key", name)], body).await;
        let first = send(r#"{"script":"true"}"#, "one").await;
        let again = send(r#"{"script":"true"}"#, "one").await;
        assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 200));
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(first.json(), again.json());
        send(r#"{"script":"false"}"#, "one").await.problem(409);
        assert_eq!(send(r#"{"script":"false"}"#, "two").await.status, 201);
        send(r#"{"script":"true"}"#, "with space").await.wrong_field("Idempotency-Key");
        assert_eq!(env.get(&key, "/api/v1/tasks").await.json()["items"].as_array().unwrap().len(), 2);
    }

    /// S-09.
    async fn s_09_concurrent_requests_with_one_key_create_one_task(env) {
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        let send = || env.post_with(&key, "/api/v1/tasks", &[("idempotency-key", "one")], r#"{"script":"true"}"#);
        let responses = futures::future::join_all((0..8).map(|_| send())).await;
        let made = responses.iter().filter(|response| response.status == 201).count();
        let repeated = responses.iter().filter(|response| response.status == 200).count();
        assert_eq!((made, repeated), (1, 7), "{responses:?}");
        assert!(responses.windows(2).all(|pair| pair[0].json()["id"] == pair[1].json()["id"]));
    }

    async fn the_organization_is_optional_for_people_in_exactly_one(env) {
        let nobody = env.key(&env.acme, env.acme.audrey, "tasks:*").await;
        env.post(&nobody, "/api/v1/tasks", json!({ "script": "true" })).await.wrong_field("organization");
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        let foreign = json!({ "script": "true", "organization": env.bolt.ops });
        let nowhere = json!({ "script": "true", "organization": uuid::Uuid::nil() });
        let (foreign, nowhere) = (env.post(&key, "/api/v1/tasks", foreign).await, env.post(&key, "/api/v1/tasks", nowhere).await);
        foreign.problem(403);
        assert_eq!(foreign, nowhere);
    }

    async fn a_list_is_filtered_and_paginated(env) {
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        for number in 0..5 {
            let network = if number % 2 == 0 { "isolated" } else { "unrestricted" };
            let labels = json!({ "number": number.to_string() });
            env.submit(&key, json!({ "script": format!("echo task {number}"), "title": format!("echo task {number}"), "network_policy": network, "labels": labels })).await;
        }
        let titles = async |query: &str| -> Vec<String> {
            let list = env.get(&key, &format!("/api/v1/tasks?{query}")).await.json();
            list["items"].as_array().unwrap().iter().map(|it| it["title"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(titles("state=awaiting_approval").await, ["echo task 3", "echo task 1"]);
        assert_eq!(titles("state=awaiting_approval,queued&limit=1").await, ["echo task 4"]);
        assert_eq!(titles("label=number%3D2").await, ["echo task 2"]);
        assert_eq!(titles("q=TASK%200&mine=true").await, ["echo task 0"]);
        assert_eq!(titles(&format!("organization={}", env.acme.ops)).await.len(), 5);

        let (mut seen, mut after) = (vec![], String::new());
        loop {
            let page = env.get(&key, &format!("/api/v1/tasks?limit=2{after}")).await.json();
            seen.extend(page["items"].as_array().unwrap().iter().map(|it| it["title"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(seen, (0..5).rev().map(|number| format!("echo task {number}")).collect::<Vec<_>>());
    }

    async fn a_queued_task_is_cancelled_once(env) {
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        let id = env.submit(&key, json!({ "script": "true" })).await;
        let cancel = format!("/api/v1/tasks/{id}/cancel");
        let other = env.key(&env.acme, env.acme.max, "tasks:*").await;
        env.post(&other, &cancel, json!({})).await.problem(404);
        assert_eq!(env.post(&key, &cancel, json!({})).await.json(), json!({ "id": id, "state": "cancelled" }));
        env.post(&key, &cancel, json!({})).await.problem(409);
    }
}

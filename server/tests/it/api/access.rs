//! Scopes, tenant isolation and revocation of API keys.
use crate::test_env::on_both;
use serde_json::json;

on_both! {
    /// M-01: every endpoint refuses keys without its scope, and the refusals are audited.
    async fn m_01_a_key_without_the_scope_is_refused(env) {
        let everything = env.key(&env.acme, env.acme.mia, "tasks:*,approvals:*").await;
        let task = env.submit(&everything, json!({ "script": "true", "title": "Test", "network_policy": "unrestricted" })).await;
        let approval = env.get(&everything, "/api/v1/approvals").await.json()["items"][0].clone();
        let approval_id = approval["id"].as_str().unwrap();
        let none = env.key(&env.acme, env.acme.mia, "audit:read").await;
        for path in [
            "/api/v1/tasks".to_owned(),
            format!("/api/v1/tasks/{task}"),
            format!("/api/v1/tasks/{task}/log"),
            format!("/api/v1/tasks/{task}/log?follow=1"),
            "/api/v1/runners".to_owned(),
            "/api/v1/approvals".to_owned(),
            format!("/api/v1/approvals/{approval_id}"),
            "/api/v1/audit".to_owned(), // the key has the scope, but its owner is not an auditor
        ] {
            env.get(&none, &path).await.problem(403);
        }
        let decision = json!({ "reason": "no", "request_digest": approval["request_digest"] });
        for (path, body) in [
            ("/api/v1/tasks".to_owned(), json!({ "script": "true" })),
            (format!("/api/v1/tasks/{task}/cancel"), json!({})),
            (format!("/api/v1/approvals/{approval_id}/approve"), decision.clone()),
            (format!("/api/v1/approvals/{approval_id}/deny"), decision),
        ] {
            env.post(&none, &path, body).await.problem(403);
        }
        let auditor = env.key(&env.acme, env.acme.audrey, "audit:read").await;
        let refused = env.get(&auditor, "/api/v1/audit?outcome=refused&limit=200").await.json();
        let actions: Vec<_> = refused["items"].as_array().unwrap().iter().map(|it| it["action"].as_str().unwrap().to_owned()).collect();
        assert_eq!(actions.len(), 12, "{actions:?}");
        for action in ["task.read", "approval.read", "audit.read", "task.submit", "task.cancel", "approval.decide"] {
            assert!(actions.iter().any(|it| it == action), "{action}");
        }
    }

    /// M-11: the responses are identical byte for byte.
    async fn m_11_resources_of_another_tenant_get_the_response_of_missing_ones(env) {
        let bolt = env.key(&env.bolt, env.bolt.mia, "tasks:*,approvals:*").await;
        let task = env.submit(&bolt, json!({ "script": "true", "title": "Test", "network_policy": "unrestricted", "visibility": "public" })).await;
        let approval = env.get(&bolt, "/api/v1/approvals").await.json()["items"][0].clone();
        let (approval_id, digest) = (approval["id"].as_str().unwrap(), &approval["request_digest"]);
        let acme = env.key(&env.acme, env.acme.ada, "tasks:*,approvals:*").await;
        let nowhere = store::new_id().to_string();
        for (mine, pattern) in [
            (task.to_string(), "/api/v1/tasks/ID"),
            (task.to_string(), "/api/v1/tasks/ID/log"),
            (task.to_string(), "/api/v1/tasks/ID/log?follow=1"),
            (approval_id.to_owned(), "/api/v1/approvals/ID"),
        ] {
            let foreign = env.get(&acme, &pattern.replace("ID", &mine)).await;
            foreign.problem(404);
            assert_eq!(foreign, env.get(&acme, &pattern.replace("ID", &nowhere)).await, "{pattern}");
            assert_eq!(foreign, env.get(&acme, &pattern.replace("ID", "no-id")).await, "{pattern}");
            assert_eq!(env.get(&bolt, &pattern.replace("ID", &mine).replace("?follow=1", "")).await.status, 200);
        }
        let decision = json!({ "reason": "no", "request_digest": digest });
        for (mine, pattern, body) in [
            (task.to_string(), "/api/v1/tasks/ID/cancel", json!({})),
            (approval_id.to_owned(), "/api/v1/approvals/ID/approve", decision.clone()),
            (approval_id.to_owned(), "/api/v1/approvals/ID/deny", decision),
        ] {
            let foreign = env.post(&acme, &pattern.replace("ID", &mine), body.clone()).await;
            foreign.problem(404);
            assert_eq!(foreign, env.post(&acme, &pattern.replace("ID", &nowhere), body).await, "{pattern}");
        }
        let list = env.get(&acme, "/api/v1/tasks").await.json();
        assert_eq!(list, json!({ "items": [], "next": null }));
        let beyond = env.get(&acme, &format!("/api/v1/tasks?organization={}", env.bolt.ops)).await.json();
        assert_eq!(beyond, list);
    }

    async fn who_am_i_names_the_organization_to_submit_to(env) {
        let key = env.key(&env.acme, env.acme.mia, "tasks:submit").await;
        let me = env.get(&key, "/api/v1/me").await.json();
        let ops = json!({ "id": env.acme.ops, "name": "ops", "role": "member", "archived_at": null });
        assert_eq!(me["organizations"], json!([ops]));
        assert_eq!(me["scopes"], json!(["tasks:submit"]));
        assert_eq!((&me["person"], &me["tenant"]), (&json!(env.acme.mia), &json!(env.acme.id)));
    }

    async fn runners_are_listed_with_their_receipt_keys(env) {
        let key = env.key(&env.acme, env.acme.mia, "tasks:read").await;
        let list = env.get(&key, "/api/v1/runners").await.json();
        let runner = &list["items"][0];
        assert_eq!((&runner["name"], &runner["capabilities"]), (&json!("rex"), &json!(["bash"])));
        let domain::Principal::Runner(rex) = env.acme.rex.principal else { unreachable!() };
        let key = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, rex.0.as_bytes());
        assert_eq!((&runner["public_key"], list["items"].as_array().unwrap().len()), (&json!(key), 1));
    }

    /// M-13: the exported events verify as a hash chain.
    async fn m_13_an_auditor_verifies_the_hash_chain_through_the_api(env) {
        let member = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        let task = env.submit(&member, json!({ "script": "true" })).await;
        let key = env.key(&env.acme, env.acme.audrey, "audit:read").await;
        let list = env.get(&key, &format!("/api/v1/audit?target={task}&action=task.submit")).await.json();
        let record = &list["items"][0];
        assert_eq!((&record["outcome"], &record["person"]), (&json!("done"), &json!(env.acme.mia)));
        let all = env.get(&key, "/api/v1/audit?limit=200").await.json();
        let mut verifier = domain::audit::Verifier::new(env.acme.id);
        for it in all["items"].as_array().unwrap().iter().rev() {
            let text = |field: &str| it[field].as_str().unwrap().to_owned();
            let stored = domain::audit::Stored {
                seq: it["seq"].as_i64().unwrap(),
                body: text("body"),
                previous: hex::decode(text("previous")).unwrap(),
                hash: hex::decode(text("hash")).unwrap(),
                personal: it["personal_data"].as_str().map(str::to_owned),
                columns: domain::audit::Columns {
                    at: domain::Timestamp::parse(&text("at")).unwrap(),
                    action: text("action"),
                    outcome: text("outcome"),
                    person: it["person"].as_str().map(|id| id.parse().unwrap()),
                    target: domain::audit::Target { kind: text("target_kind"), id: text("target_id") },
                    event: it["event"].as_str().map(str::to_owned),
                },
            };
            verifier.take(&stored).unwrap();
            assert_eq!(it["intact"], true);
        }
        // E17: the columns beside the hashed text are not what is shown.
        env.tamper(match env.app.store.is_embedded() {
            true => "drop trigger audit_no_update",
            false => "drop trigger audit_append_only on audit",
        });
        env.tamper(&format!("update audit set outcome = 'refused', person_id = null where target_id = '{task}'"));
        let forged = env.get(&key, &format!("/api/v1/audit?target={task}&action=task.submit")).await.json();
        assert_eq!(forged["items"][0]["outcome"], "done");
        assert_eq!((&forged["items"][0]["person"], &forged["items"][0]["intact"]), (&json!(env.acme.mia), &json!(false)));
        let none = env.get(&key, "/api/v1/audit?until=2026-03-01T00:00:00Z").await.json();
        assert_eq!(none["items"], json!([]));
    }

    /// M-01.
    async fn m_01_a_revoked_key_is_refused(env) {
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        assert_eq!(env.get(&key, "/api/v1/tasks").await.status, 200);
        let console = &env.acme.console;
        let id = env.app.store.read(console).await.unwrap().keys().await.unwrap()[0].id;
        let revoke = domain::policy::RevokeKey { key: id, owner: env.acme.mia, responsible: None };
        env.change(console, async |write| write.revoke_key(console.may(revoke)?).await).await;
        let response = env.get(&key, "/api/v1/tasks").await;
        response.problem(401);
        assert_eq!(response.header("www-authenticate"), Some("Bearer"));
    }
}

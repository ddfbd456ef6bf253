//! What a key may read, and what stays behind the walls.
use crate::world::on_both;
use serde_json::json;

on_both! {
    /// M-01: every address against keys without its scope; the refusal is recorded.
    async fn m_01_without_its_scope_nothing_is_read_or_changed(world) {
        let everything = world.key(&world.acme, world.acme.mia, "tasks:*,approvals:*").await;
        let task = world.submit(&everything, json!({ "script": "true", "network_policy": "unrestricted" })).await;
        let question = world.get(&everything, "/api/v1/approvals").await.json()["items"][0].clone();
        let approval = question["id"].as_str().unwrap();
        let none = world.key(&world.acme, world.acme.mia, "audit:read").await;
        for path in [
            "/api/v1/tasks".to_owned(),
            format!("/api/v1/tasks/{task}"),
            format!("/api/v1/tasks/{task}/log"),
            format!("/api/v1/tasks/{task}/log?follow=1"),
            "/api/v1/runners".to_owned(),
            "/api/v1/approvals".to_owned(),
            format!("/api/v1/approvals/{approval}"),
            "/api/v1/audit".to_owned(), // the scope is there, but its owner is no auditor
        ] {
            world.get(&none, &path).await.problem(403);
        }
        let decision = json!({ "reason": "no", "request_digest": question["request_digest"] });
        for (path, body) in [
            ("/api/v1/tasks".to_owned(), json!({ "script": "true" })),
            (format!("/api/v1/tasks/{task}/cancel"), json!({})),
            (format!("/api/v1/approvals/{approval}/approve"), decision.clone()),
            (format!("/api/v1/approvals/{approval}/deny"), decision),
        ] {
            world.post(&none, &path, body).await.problem(403);
        }
        let auditor = world.key(&world.acme, world.acme.audrey, "audit:read").await;
        let refused = world.get(&auditor, "/api/v1/audit?outcome=refused&limit=200").await.json();
        let actions: Vec<_> = refused["items"].as_array().unwrap().iter().map(|it| it["action"].as_str().unwrap().to_owned()).collect();
        assert_eq!(actions.len(), 12, "{actions:?}");
        for action in ["task.read", "approval.read", "audit.read", "task.submit", "task.cancel", "approval.decide"] {
            assert!(actions.iter().any(|it| it == action), "{action}");
        }
    }

    /// M-11: byte for byte.
    async fn m_11_what_is_in_another_tenant_is_answered_as_what_does_not_exist(world) {
        let bolt = world.key(&world.bolt, world.bolt.mia, "tasks:*,approvals:*").await;
        let task = world.submit(&bolt, json!({ "script": "true", "network_policy": "unrestricted", "visibility": "public" })).await;
        let question = world.get(&bolt, "/api/v1/approvals").await.json()["items"][0].clone();
        let (approval, digest) = (question["id"].as_str().unwrap(), &question["request_digest"]);
        let acme = world.key(&world.acme, world.acme.ada, "tasks:*,approvals:*").await;
        let nowhere = uuid::Uuid::now_v7().to_string();
        for (mine, pattern) in [
            (task.to_string(), "/api/v1/tasks/ID"),
            (task.to_string(), "/api/v1/tasks/ID/log"),
            (task.to_string(), "/api/v1/tasks/ID/log?follow=1"),
            (approval.to_owned(), "/api/v1/approvals/ID"),
        ] {
            let foreign = world.get(&acme, &pattern.replace("ID", &mine)).await;
            foreign.problem(404);
            assert_eq!(foreign, world.get(&acme, &pattern.replace("ID", &nowhere)).await, "{pattern}");
            assert_eq!(foreign, world.get(&acme, &pattern.replace("ID", "no-id")).await, "{pattern}");
            assert_eq!(world.get(&bolt, &pattern.replace("ID", &mine).replace("?follow=1", "")).await.status, 200);
        }
        let decision = json!({ "reason": "no", "request_digest": digest });
        for (mine, pattern, body) in [
            (task.to_string(), "/api/v1/tasks/ID/cancel", json!({})),
            (approval.to_owned(), "/api/v1/approvals/ID/approve", decision.clone()),
            (approval.to_owned(), "/api/v1/approvals/ID/deny", decision),
        ] {
            let foreign = world.post(&acme, &pattern.replace("ID", &mine), body.clone()).await;
            foreign.problem(404);
            assert_eq!(foreign, world.post(&acme, &pattern.replace("ID", &nowhere), body).await, "{pattern}");
        }
        let list = world.get(&acme, "/api/v1/tasks").await.json();
        assert_eq!(list, json!({ "items": [], "next": null }));
        let beyond = world.get(&acme, &format!("/api/v1/tasks?organization={}", world.bolt.ops)).await.json();
        assert_eq!(beyond, list);
    }

    async fn who_am_i_names_the_organization_to_submit_to(world) {
        let key = world.key(&world.acme, world.acme.mia, "tasks:submit").await;
        let me = world.get(&key, "/api/v1/me").await.json();
        let ops = json!({ "id": world.acme.ops, "name": "ops", "role": "member", "archived_at": null });
        assert_eq!(me["organizations"], json!([ops]));
        assert_eq!(me["scopes"], json!(["tasks:submit"]));
        assert_eq!((&me["person"], &me["tenant"]), (&json!(world.acme.mia), &json!(world.acme.tenant)));
    }

    async fn runners_are_listed_with_the_key_that_receipts_verify_with(world) {
        let key = world.key(&world.acme, world.acme.mia, "tasks:read").await;
        let list = world.get(&key, "/api/v1/runners").await.json();
        let runner = &list["items"][0];
        assert_eq!((&runner["name"], &runner["capabilities"]), (&json!("rex"), &json!(["bash"])));
        assert_eq!((&runner["public_key"], list["items"].as_array().unwrap().len()), (&json!("AQID"), 1));
    }

    /// M-13: what a program reads is what the chain holds.
    async fn m_13_an_auditor_reads_the_chain_through_the_api(world) {
        let member = world.key(&world.acme, world.acme.mia, "tasks:*").await;
        let task = world.submit(&member, json!({ "script": "true" })).await;
        let key = world.key(&world.acme, world.acme.audrey, "audit:read").await;
        let list = world.get(&key, &format!("/api/v1/audit?target={task}&action=task.submit")).await.json();
        let record = &list["items"][0];
        assert_eq!((&record["outcome"], &record["person"]), (&json!("done"), &json!(world.acme.mia)));
        let all = world.get(&key, "/api/v1/audit?limit=200").await.json();
        let mut verifier = domain::audit::Verifier::new(world.acme.tenant);
        for it in all["items"].as_array().unwrap().iter().rev() {
            let text = |field: &str| it[field].as_str().unwrap().to_owned();
            let stored = domain::audit::Stored {
                seq: it["seq"].as_i64().unwrap(),
                body: text("body"),
                previous: hex::decode(text("previous")).unwrap(),
                hash: hex::decode(text("hash")).unwrap(),
                personal: it["personal_data"].as_str().map(str::to_owned),
            };
            verifier.take(&stored).unwrap();
        }
        let none = world.get(&key, "/api/v1/audit?until=2026-03-01T00:00:00Z").await.json();
        assert_eq!(none["items"], json!([]));
    }

    /// M-01.
    async fn m_01_a_revoked_key_opens_nothing(world) {
        let key = world.key(&world.acme, world.acme.mia, "tasks:*").await;
        assert_eq!(world.get(&key, "/api/v1/tasks").await.status, 200);
        let console = &world.acme.console;
        let id = world.app.store.read(console).await.unwrap().keys().await.unwrap()[0].id;
        let revoke = domain::policy::RevokeKey { key: id, owner: world.acme.mia, responsible: None };
        world.change(console, async |write| write.revoke_key(console.may(revoke)?).await).await;
        let answer = world.get(&key, "/api/v1/tasks").await;
        answer.problem(401);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
}

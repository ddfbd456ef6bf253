//! Approval requests and decisions through the API.
use crate::test_env::{TestEnv, on_both};
use domain::{
    policy::{CreateKey, CreateServiceAccount, SetMembership},
    request::RequestDigest,
    role::Role,
};
use serde_json::{Value, json};

/// Submits a task with network access as Mia and returns its approval request as she sees it.
async fn approval(env: &TestEnv) -> Value {
    let key = env.key(&env.acme, env.acme.mia, "tasks:*,approvals:*").await;
    env.submit(
        &key,
        json!({ "script": "curl \u{202e}example.org", "title": "Test", "network_policy": "unrestricted" }),
    )
    .await;
    let list = env.get(&key, "/api/v1/approvals?state=waiting").await.json();
    let id = list["items"][0]["id"].as_str().unwrap();
    env.get(&key, &format!("/api/v1/approvals/{id}")).await.json()
}

fn address(approval: &Value, verb: &str) -> String {
    format!("/api/v1/approvals/{}/{verb}", approval["id"].as_str().unwrap())
}

on_both! {
    /// D-04: the request digest covers the bytes that are shown.
    async fn d_04_an_approval_request_shows_everything_that_would_run(env) {
        let approval = approval(env).await;
        let request = approval["request"].as_str().unwrap();
        assert_eq!(approval["request_digest"], RequestDigest::of(request.as_bytes()).to_string());
        assert_eq!(approval["script"], "curl \u{202e}example.org");
        assert_eq!((&approval["state"], &approval["required_approvals"], &approval["received_approvals"]), (&json!("waiting"), &json!(1), &json!(0)));
        assert_eq!(approval["requester"], json!(env.acme.mia));
        assert_eq!(approval["expires_at"], "2026-03-02T14:05:09Z");
    }

    async fn d_04_an_approval_counts_once_and_only_for_this_digest(env) {
        let approval = approval(env).await;
        let ada = env.key(&env.acme, env.acme.ada, "approvals:*,tasks:read").await;
        let approve = address(&approval, "approve");
        let other = json!({ "reason": "looks fine", "request_digest": "0".repeat(64) });
        env.post(&ada, &approve, other).await.problem(409);
        let this = json!({ "reason": "looks fine", "request_digest": approval["request_digest"] });
        let decided = env.post(&ada, &approve, this.clone()).await;
        assert_eq!((decided.status.as_u16(), decided.json()), (200, json!({ "id": approval["id"], "state": "approved" })));
        env.post(&ada, &approve, this.clone()).await.problem(409);
        env.post(&ada, &address(&approval, "deny"), this).await.problem(409);
        let task = env.get(&ada, &format!("/api/v1/tasks/{}", approval["task"].as_str().unwrap())).await.json();
        assert_eq!(task["state"], "queued");
        let settled = env.get(&ada, &format!("/api/v1/approvals/{}", approval["id"].as_str().unwrap())).await.json();
        assert_eq!(settled["decisions"][0]["reason"], "looks fine");
        assert_eq!(settled["decisions"][0]["person"], json!(env.acme.ada));
    }

    async fn d_04_requesters_and_members_cannot_decide(env) {
        let approval = approval(env).await;
        let body = json!({ "reason": "mine", "request_digest": approval["request_digest"] });
        let mia = env.key(&env.acme, env.acme.mia, "approvals:*").await;
        env.post(&mia, &address(&approval, "approve"), body.clone()).await.problem(403);
        let audrey = env.key(&env.acme, env.acme.audrey, "approvals:*").await;
        env.post(&audrey, &address(&approval, "approve"), body.clone()).await.problem(403);
        let max = env.key(&env.acme, env.acme.max, "approvals:*").await;
        env.post(&max, &address(&approval, "approve"), body).await.problem(404);
    }

    /// M-01: the responsible person of a service account cannot approve the requests of its keys.
    async fn d_04_the_responsible_person_cannot_decide(env) {
        let (acme, console) = (&env.acme, &env.acme.console);
        let token = format!("mk_{}", uuid::Uuid::new_v4().simple());
        env.change(console, async |write| {
            let robot = CreateServiceAccount { name: "Robot".into(), responsible: acme.ada };
            let owner = write.create_service_account(console.may(robot)?).await?;
            let join = SetMembership { organization: acme.ops, person: owner, role: Role::Member };
            write.set_membership(console.may(join)?).await?;
            let (scopes, networks) = ("tasks:*".parse()?, domain::Networks::default());
            let (name, responsible) = ("build".into(), Some(acme.ada));
            let key = CreateKey { owner, name, scopes, expires_at: None, organization: None, networks, responsible };
            write.create_key(console.may(key)?, &token[..8], server::authentication::digest(&token)).await
        }).await;
        env.submit(&token, json!({ "script": "curl example.org", "title": "Test", "network_policy": "unrestricted" })).await;
        let ada = env.key(acme, acme.ada, "approvals:*").await;
        let approval = env.get(&ada, "/api/v1/approvals?state=waiting").await.json()["items"][0].clone();
        let body = json!({ "reason": "mine", "request_digest": approval["request_digest"] });
        for verb in ["approve", "deny"] {
            let refused = env.post(&ada, &address(&approval, verb), body.clone()).await.problem(403);
            assert!(refused["detail"].as_str().unwrap().contains("Another approver must decide it."), "{refused}");
        }
    }

    async fn a_denial_needs_a_reason_and_a_decision_needs_the_digest(env) {
        let approval = approval(env).await;
        let ada = env.key(&env.acme, env.acme.ada, "approvals:*").await;
        let deny = address(&approval, "deny");
        env.post(&ada, &deny, json!({ "request_digest": approval["request_digest"] })).await.wrong_field("reason");
        env.post(&ada, &deny, json!({ "reason": "no" })).await.wrong_field("request_digest");
        env.post(&ada, &deny, json!({ "reason": "no", "request_digest": "abc" })).await.wrong_field("request_digest");
        let body = json!({ "reason": "not on a Friday", "request_digest": approval["request_digest"] });
        assert_eq!(env.post(&ada, &deny, body).await.json()["state"], "denied");
    }

    async fn an_undecided_request_expires(env) {
        let approval = approval(env).await;
        let ada = env.key(&env.acme, env.acme.ada, "approvals:*").await;
        env.advance_clock(std::time::Duration::from_hours(25));
        let body = json!({ "reason": "late", "request_digest": approval["request_digest"] });
        env.post(&ada, &address(&approval, "approve"), body).await.problem(409);
    }
}

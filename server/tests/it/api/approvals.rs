//! Deciding through the API.
use crate::world::{World, on_both};
use domain::{
    policy::{CreateKey, CreateServiceAccount, SetMembership},
    request::RequestDigest,
    role::Role,
};
use serde_json::{Value, json};

/// Mia asks for a task that reaches the network; gives the question as its requester sees it.
async fn question(world: &World) -> Value {
    let key = world.key(&world.acme, world.acme.mia, "tasks:*,approvals:*").await;
    world.submit(&key, json!({ "script": "curl \u{202e}example.org", "network_policy": "unrestricted" })).await;
    let list = world.get(&key, "/api/v1/approvals?state=waiting").await.json();
    let id = list["items"][0]["id"].as_str().unwrap();
    world.get(&key, &format!("/api/v1/approvals/{id}")).await.json()
}

fn address(question: &Value, verb: &str) -> String {
    format!("/api/v1/approvals/{}/{verb}", question["id"].as_str().unwrap())
}

on_both! {
    /// D-04: the bytes that are shown are the bytes that the digest is of.
    async fn d_04_a_question_shows_all_that_would_run(world) {
        let question = question(world).await;
        let request = question["request"].as_str().unwrap();
        assert_eq!(question["request_digest"], RequestDigest::of(request.as_bytes()).to_string());
        assert_eq!(question["script"], "curl \u{202e}example.org");
        assert_eq!((&question["state"], &question["required_approvals"], &question["received_approvals"]), (&json!("waiting"), &json!(1), &json!(0)));
        assert_eq!(question["requester"], json!(world.acme.mia));
        assert_eq!(question["expires_at"], "2026-03-02T14:05:09Z");
    }

    async fn d_04_an_approver_lets_exactly_this_run_once(world) {
        let question = question(world).await;
        let ada = world.key(&world.acme, world.acme.ada, "approvals:*,tasks:read").await;
        let approve = address(&question, "approve");
        let other = json!({ "reason": "looks fine", "request_digest": "0".repeat(64) });
        world.post(&ada, &approve, other).await.problem(409);
        let this = json!({ "reason": "looks fine", "request_digest": question["request_digest"] });
        let decided = world.post(&ada, &approve, this.clone()).await;
        assert_eq!((decided.status.as_u16(), decided.json()), (200, json!({ "id": question["id"], "state": "approved" })));
        world.post(&ada, &approve, this.clone()).await.problem(409);
        world.post(&ada, &address(&question, "deny"), this).await.problem(409);
        let task = world.get(&ada, &format!("/api/v1/tasks/{}", question["task"].as_str().unwrap())).await.json();
        assert_eq!(task["state"], "queued");
        let settled = world.get(&ada, &format!("/api/v1/approvals/{}", question["id"].as_str().unwrap())).await.json();
        assert_eq!(settled["decisions"][0]["reason"], "looks fine");
        assert_eq!(settled["decisions"][0]["person"], json!(world.acme.ada));
    }

    async fn d_04_nobody_decides_their_own_request_and_members_decide_none(world) {
        let question = question(world).await;
        let body = json!({ "reason": "mine", "request_digest": question["request_digest"] });
        let mia = world.key(&world.acme, world.acme.mia, "approvals:*").await;
        world.post(&mia, &address(&question, "approve"), body.clone()).await.problem(403);
        let audrey = world.key(&world.acme, world.acme.audrey, "approvals:*").await;
        world.post(&audrey, &address(&question, "approve"), body.clone()).await.problem(403);
        let max = world.key(&world.acme, world.acme.max, "approvals:*").await;
        world.post(&max, &address(&question, "approve"), body).await.problem(404);
    }

    /// M-01: a key of a service account does not get past whoever answers for it.
    async fn d_04_nobody_decides_what_they_answer_for(world) {
        let (acme, console) = (&world.acme, &world.acme.console);
        let token = format!("mk_{}", uuid::Uuid::new_v4().simple());
        world.change(console, async |write| {
            let robot = CreateServiceAccount { name: "Robot".into(), responsible: acme.ada };
            let owner = write.create_service_account(console.may(robot)?).await?;
            let join = SetMembership { organization: acme.ops, person: owner, role: Role::Member };
            write.set_membership(console.may(join)?).await?;
            let (scopes, networks) = ("tasks:*".parse()?, domain::Networks::default());
            let (name, responsible) = ("build".into(), Some(acme.ada));
            let key = CreateKey { owner, name, scopes, expires_at: None, organization: None, networks, responsible };
            write.create_key(console.may(key)?, &token[..8], server::auth::digest(&token)).await
        }).await;
        world.submit(&token, json!({ "script": "curl example.org", "network_policy": "unrestricted" })).await;
        let ada = world.key(acme, acme.ada, "approvals:*").await;
        let question = world.get(&ada, "/api/v1/approvals?state=waiting").await.json()["items"][0].clone();
        let body = json!({ "reason": "mine", "request_digest": question["request_digest"] });
        for verb in ["approve", "deny"] {
            let refused = world.post(&ada, &address(&question, verb), body.clone()).await.problem(403);
            assert!(refused["detail"].as_str().unwrap().contains("Somebody else decides."), "{refused}");
        }
    }

    async fn a_denial_says_why_and_a_decision_names_the_request(world) {
        let question = question(world).await;
        let ada = world.key(&world.acme, world.acme.ada, "approvals:*").await;
        let deny = address(&question, "deny");
        world.post(&ada, &deny, json!({ "request_digest": question["request_digest"] })).await.wrong_field("reason");
        world.post(&ada, &deny, json!({ "reason": "no" })).await.wrong_field("request_digest");
        world.post(&ada, &deny, json!({ "reason": "no", "request_digest": "abc" })).await.wrong_field("request_digest");
        let body = json!({ "reason": "not on a Friday", "request_digest": question["request_digest"] });
        assert_eq!(world.post(&ada, &deny, body).await.json()["state"], "denied");
    }

    async fn what_nobody_decided_in_time_is_expired(world) {
        let question = question(world).await;
        let ada = world.key(&world.acme, world.acme.ada, "approvals:*").await;
        world.wait(std::time::Duration::from_hours(25));
        let body = json!({ "reason": "late", "request_digest": question["request_digest"] });
        world.post(&ada, &address(&question, "approve"), body).await.problem(409);
    }
}

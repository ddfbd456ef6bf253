//! Attempts to approve one's own request, another digest, twice or too late (D-04).
use crate::{
    client::{Credential, Response},
    people::Person,
    program::{Program, on_both},
};
use serde_json::{Value, json};
use testkit::ADA;

/// Starts a deployment with two approvers.
async fn begin(program: &mut Program) -> (Person, Person) {
    program.tenant("acme");
    let people = (program.person_named("mia", ADA, "acme"), program.person(ADA, "acme"));
    program.start().await;
    people
}

async fn ask(program: &Program, mia: &Person) -> (String, Value) {
    let body = json!({ "script": "echo it runs", "network_policy": "unrestricted", "timeout_seconds": 60 });
    let task = program.submit_as(&mia.key, body).await;
    let list = program.get(Credential::Key(&mia.key), "/api/v1/approvals").await.is(200).json();
    let approval =
        list["items"].as_array().unwrap().iter().find(|approval| approval["task"] == task.as_str()).unwrap().clone();
    (task, approval)
}

async fn decide(program: &Program, who: &Person, approval: &Value, verb: &str, digest: &Value) -> Response {
    let path = format!("/api/v1/approvals/{}/{verb}", approval["id"].as_str().unwrap());
    program.post(Credential::Key(&who.key), &path, &json!({ "reason": "reviewed", "request_digest": digest })).await
}

/// Checks that the task was not dispatched.
async fn waits(program: &Program, who: &Person, task: &str) {
    let task = program.task(&who.key, task).await;
    assert_eq!(
        (&task["state"], &task["attempt"], &task["runner"]),
        (&"awaiting_approval".into(), &0.into(), &Value::Null),
        "{task:#}"
    );
}

on_both! {
    /// D-04: a task runs only after another person approved exactly this request.
    async fn d_04_a_task_runs_only_after_its_exact_request_is_approved(program) {
        let (mia, ada) = begin(program).await;
        let (task, approval) = ask(program, &mia).await;
        let digest = &approval["request_digest"];
        decide(program, &mia, &approval, "approve", digest).await.is(403);
        let other = json!("00".repeat(32));
        decide(program, &ada, &approval, "approve", &other).await.is(409);
        for garbage in [json!(""), json!("00"), Value::Null, json!(5)] {
            decide(program, &ada, &approval, "approve", &garbage).await.is(422);
        }
        // A later task that needs no approval succeeds, so the runner was free.
        let later = program.submit(&mia.key, "true").await;
        program.until_succeeded(&mia.key, &later).await;
        waits(program, &mia, &task).await;
        assert_eq!(program.printed(&mia.key, &task).await, "");

        decide(program, &ada, &approval, "approve", digest).await.is(200);
        decide(program, &ada, &approval, "approve", digest).await.is(409);
        decide(program, &ada, &approval, "deny", digest).await.is(409);
        let done = program.until_succeeded(&mia.key, &task).await;
        let receipt: Value = serde_json::from_str(done["receipt"].as_str().unwrap()).unwrap();
        assert_eq!((&done["request_digest"], &receipt["request"]), (digest, digest), "{receipt:#}");
        assert_eq!(program.printed(&mia.key, &task).await, "it runs\n");
    }

    /// D-04: exactly one of two concurrent decisions takes effect.
    async fn d_04_exactly_one_of_two_concurrent_decisions_counts(program) {
        let (mia, ada) = begin(program).await;
        let eve = program.person_named("eve", ADA, "acme");
        for _ in 0..10 {
            let (task, approval) = ask(program, &mia).await;
            let digest = &approval["request_digest"];
            let (yes, no) = tokio::join!(
                decide(program, &ada, &approval, "approve", digest),
                decide(program, &eve, &approval, "deny", digest)
            );
            let mut statuses = [yes.status, no.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 409], "{yes}\n{no}");
            match yes.status {
                200 => drop(program.until_succeeded(&mia.key, &task).await),
                _ => assert_eq!(program.task(&mia.key, &task).await["state"], "denied"),
            }
        }
    }
}

//! Quotas of tasks and of stored bytes per day, for a person and for a tenant.
use crate::{
    client::{Credential, Response},
    program::{Program, on_both},
    timeouts::until,
};
use serde_json::json;
use testkit::{ADAM, MAX, MIA};

/// Submits a script by the API.
async fn submit(program: &Program, key: &str, script: &str) -> Response {
    program.post(Credential::Key(key), "/api/v1/tasks", &json!({ "script": script })).await
}

#[track_caller]
fn assert_over_quota(response: &Response, status: u16, text: &str) {
    assert_eq!(response.status, status, "{response}");
    let wait: u64 = response.header("retry-after").parse().unwrap();
    assert!((1..=86_401).contains(&wait), "{response}");
    assert!(response.json()["title"].as_str().unwrap().ends_with("quota exceeded"), "{response}");
    assert!(response.json()["detail"].as_str().unwrap().contains(text), "{response}");
}

on_both! {
    async fn k_07_tasks_a_day_are_limited_per_person_and_tenant(program) {
        program.set("CASTELLAN_LOCAL_RUNNER_ENABLED", "false");
        program.set("CASTELLAN_QUOTAS_TASKS_PER_PERSON", "3");
        program.set("CASTELLAN_QUOTAS_TASKS_PER_TENANT", "5");
        program.tenant("acme");
        program.tenant("bolt");
        let (mia, ada) = (program.person(MIA, "acme"), program.person_named("ada", ADAM, "acme"));
        let eve = program.person_named("eve", MIA, "bolt");
        let second = program.key(&mia.email, "tasks:submit");
        program.start().await;
        let repeated = || {
            let request = program.request(Credential::Key(&mia.key), reqwest::Method::POST, "/api/v1/tasks");
            Response::of(request.header("idempotency-key", "once").json(&json!({ "script": "true" })))
        };
        let first = repeated().await.is(201).json();
        submit(program, &mia.key, "true").await.is(201);
        submit(program, &second, "true").await.is(201);
        assert_over_quota(&submit(program, &mia.key, "true").await, 429, "your quota of 3 tasks");
        assert_over_quota(&submit(program, &second, "true").await, 429, "your quota of 3 tasks");
        assert_eq!(repeated().await.json()["id"], first["id"], "a repetition submits nothing");
        let browser = program.sign_in(&mia.email).await;
        let refused = program.act(Credential::Browser(&browser), "tasks/submit", &[("script", "true")]).await.is(429);
        assert!(refused.body.contains("quota of 3 tasks"), "{refused}");
        let account = program.get(Credential::Browser(&browser), "/account").await.is(200).body;
        assert!(account.contains("3 of 3") && !account.contains("3 of 5"), "{account}");

        submit(program, &ada.key, "true").await.is(201);
        submit(program, &ada.key, "true").await.is(201);
        assert_over_quota(&submit(program, &ada.key, "true").await, 429, "This tenant has reached its quota of 5 tasks");
        let admin = program.sign_in(&ada.email).await;
        let account = program.get(Credential::Browser(&admin), "/account").await.is(200).body;
        assert!(account.contains("2 of 3") && account.contains("5 of 5"), "{account}");
        submit(program, &eve.key, "true").await.is(201);
        let listed = program.get(Credential::Key(&mia.key), "/api/v1/tasks?mine=true").await.is(200).json();
        assert_eq!(listed["items"].as_array().unwrap().len(), 3, "a refused submission leaves nothing");
    }

    async fn k_07_stored_bytes_a_day_are_limited_per_person(program) {
        program.set("CASTELLAN_QUOTAS_STORED_MIB_PER_PERSON", "1");
        program.tenant("acme");
        let (mia, max) = (program.person(MIA, "acme"), program.person(MAX, "acme"));
        let noa = program.person_named("noa", MIA, "acme");
        program.start().await;
        let long = format!("exit; # {}", "x".repeat(200_000));
        for _ in 0..5 {
            submit(program, &mia.key, &long).await.is(201);
        }
        assert_over_quota(&submit(program, &mia.key, &long).await, 413, "your quota of 1 MiB");

        // Empty lines count for what storing them takes: 100,000 of them have 100 kB of text.
        let task = program.submit(&max.key, "yes '' | head -n 100000").await;
        let task = until("the task ends", async || {
            let task = program.task(&max.key, &task).await;
            (task["state"] == "failed").then_some(task)
        })
        .await;
        assert!(task.to_string().contains("quota of stored bytes"), "{task:#}");
        // What was refused is not counted.
        assert_over_quota(&submit(program, &max.key, &long).await, 413, "your quota of 1 MiB");
        submit(program, &max.key, "true").await.is(201);
        let task = program.submit(&noa.key, "echo others are not concerned").await;
        program.until_succeeded(&noa.key, &task).await;
    }
}

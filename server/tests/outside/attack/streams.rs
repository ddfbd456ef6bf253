//! Streams end as soon as their authorization ends.
use crate::{
    client::Credential,
    people::{ALL, start_with_member},
    processes::descendants,
    program::on_both,
    timeouts::with_timeout,
};
use std::time::Duration;
use testkit::{MAX, OLGA};

/// The longest time that a stream may stay open without authorization.
const MAX_STOP_DELAY: Duration = Duration::from_secs(1);

on_both! {
    /// M-01: a revoked key is refused at its next request, and its streams end.
    async fn m_01_a_revoked_key_is_refused_at_once_and_its_stream_ends(program) {
        let mia = start_with_member(program).await;
        let browser = program.sign_in(&mia.email).await;
        let key = program.key(&mia.email, ALL);
        let task = program.submit(&mia.key, "echo begun; sleep 50").await;
        program.until_printed(&mia.key, &task, "begun").await;
        let mut stream = program.listen(Credential::Key(&key), &format!("/api/v1/tasks/{task}/log?follow=1")).await;
        assert!(stream.data_of_next("line").await.contains("begun"));
        let me = program.get(Credential::Key(&key), "/api/v1/me").await.is(200).json();
        program.act(Credential::Browser(&browser), "keys/revoke", &[("id", me["key"].as_str().unwrap())]).await.is(200);
        program.get(Credential::Key(&key), "/api/v1/me").await.is(401);
        with_timeout(MAX_STOP_DELAY, "the stream of a revoked key ends", stream.end()).await;
        program.post(Credential::Key(&mia.key), &format!("/api/v1/tasks/{task}/cancel"), &serde_json::Value::Null).await.is(200);
    }

    /// Both the tenant's stream and a task's stream end with their session.
    async fn an_ended_session_receives_no_more_events(program) {
        let mia = start_with_member(program).await;
        let (lost, here) = (program.sign_in(&mia.email).await, program.sign_in(&mia.email).await);
        let task = program.submit(&mia.key, "echo begun; sleep 50").await;
        program.until_printed(&mia.key, &task, "begun").await;
        let mut tenant = program.listen(Credential::Browser(&lost), "/live?topics=tasks").await;
        let mut output = program.listen(Credential::Browser(&lost), &format!("/tasks/{task}/live")).await;
        assert!(output.data_of_next("lines").await.contains("begun"));
        program.act(Credential::Browser(&here), "browser-sessions/end-others", &[]).await.is(200);
        with_timeout(MAX_STOP_DELAY, "both streams end", async { tokio::join!(tenant.end(), output.end()) }).await;
        program.get(Credential::Browser(&lost), "/live?topics=tasks").await.is(401);
        program.post(Credential::Key(&mia.key), &format!("/api/v1/tasks/{task}/cancel"), &serde_json::Value::Null).await.is(200);
    }

    /// A removed member no longer receives events or output of the organization's tasks.
    async fn a_removed_member_receives_no_more_events(program) {
        let mia = start_with_member(program).await;
        let (max, olga) = (program.person(MAX, "acme"), program.person(OLGA, "acme"));
        let (leaving, owner) = (program.sign_in(&max.email).await, program.sign_in(&olga.email).await);
        let body = serde_json::json!({ "script": "echo begun; sleep 50", "visibility": "org", "timeout_seconds": 60 });
        let task = program.submit_as(&mia.key, body).await;
        program.until_printed(&mia.key, &task, "begun").await;
        let mut output = program.listen(Credential::Browser(&leaving), &format!("/tasks/{task}/live")).await;
        assert!(output.data_of_next("lines").await.contains("begun"));
        let me = program.get(Credential::Key(&max.key), "/api/v1/me").await.is(200).json();
        let organization = me["organizations"][0]["id"].as_str().unwrap();
        let fields = [("organization", organization), ("person", max.id.as_str())];
        program.act(Credential::Browser(&owner), "organizations/remove-member", &fields).await.is(200);
        with_timeout(MAX_STOP_DELAY, "the stream ends", output.end()).await;
        program.get(Credential::Browser(&leaving), &format!("/tasks/{task}")).await.is(404);
        program.get(Credential::Key(&max.key), &format!("/api/v1/tasks/{task}")).await.is(404);
        assert!(!descendants(program.pid()).is_empty(), "the task itself continues");
    }
}

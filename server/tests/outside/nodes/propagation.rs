//! Propagation of changes between nodes within a second.
use super::Nodes;
use crate::{client::Credential, timeouts::with_timeout};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::ADAM;
use tokio::time::Instant;

/// The longest time until a change reaches the other node.
pub const MAX_PROPAGATION_DELAY: Duration = Duration::from_secs(1);

/// D-12: a session that ends at one node is invalid at the other, and its streams end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_signing_out_at_one_node_ends_the_streams_of_the_other() {
    let nodes = Nodes::begin().await;
    let browser = nodes.one.sign_in(&nodes.mia.email).await;
    let mut stream = nodes.two.listen(Credential::Browser(&browser), "/live?topics=tasks").await;
    nodes.one.act(Credential::Browser(&browser), "login/sign-out", &[]).await.is(200);
    assert!(!nodes.two.is_signed_in(&browser.cookie()).await);
    with_timeout(MAX_PROPAGATION_DELAY, "the stream ends", stream.end()).await;
}

/// D-12, M-01: a key that is revoked at one node is refused at the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_a_key_revoked_at_one_node_is_refused_at_the_other() {
    let nodes = Nodes::begin().await;
    let (one, two, key) = (&nodes.one, &nodes.two, &nodes.mia.key);
    let browser = one.sign_in(&nodes.mia.email).await;
    let task = one.submit(&nodes.mia.key, "echo begun; sleep 50").await;
    two.until_printed(key, &task, "begun").await;
    let mut stream = two.listen(Credential::Key(key), &format!("/api/v1/tasks/{task}/log?follow=1")).await;
    assert!(stream.data_of_next("line").await.contains("begun"));
    let me = two.get(Credential::Key(key), "/api/v1/me").await.is(200).json();
    one.act(Credential::Browser(&browser), "keys/revoke", &[("id", me["key"].as_str().unwrap())]).await.is(200);
    two.get(Credential::Key(key), "/api/v1/me").await.is(401);
    with_timeout(MAX_PROPAGATION_DELAY, "the stream ends", stream.end()).await;
}

/// D-12, K-09: a person who is locked at one node is signed out at the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_k_09_a_person_locked_at_one_node_is_signed_out_at_the_other() {
    let nodes = Nodes::begin().await;
    let bea = nodes.one.person_named("bea", ADAM, "acme");
    let (admin, browser) = (nodes.one.sign_in(&bea.email).await, nodes.two.sign_in(&nodes.mia.email).await);
    let mut stream = nodes.two.listen(Credential::Browser(&browser), "/live?topics=tasks").await;
    nodes.one.act(Credential::Browser(&admin), "emergency/lock", &[("id", &nodes.mia.id)]).await.is(200);
    with_timeout(MAX_PROPAGATION_DELAY, "the stream ends", stream.end()).await;
    nodes.two.get(Credential::Key(&nodes.mia.key), "/api/v1/me").await.is(401);
}

/// D-12, D-04: an approval request from one node is published, decided and closed at the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_an_approval_request_is_decided_once_at_either_node() {
    let nodes = Nodes::begin().await;
    let (one, two) = (&nodes.one, &nodes.two);
    let approver = two.sign_in(&nodes.ada.email).await;
    let mut queue = two.listen(Credential::Browser(&approver), "/live?topics=approvals").await;
    let asks = json!({ "script": "echo approved", "title": "Test", "network_policy": "unrestricted" });
    let task = one.submit_as(&nodes.mia.key, asks).await;
    let approval_id = with_timeout(
        MAX_PROPAGATION_DELAY,
        "the other node publishes the approval request",
        queue.data_of_next("approvals"),
    )
    .await;
    let approvals = two.get(Credential::Key(&nodes.ada.key), "/api/v1/approvals").await.is(200).json();
    let approval = &approvals["items"][0];
    assert_eq!(approval["id"], approval_id.as_str());
    let mut watching = one.listen(Credential::Key(&nodes.mia.key), &format!("/api/v1/tasks/{task}/log?follow=1")).await;
    assert_eq!(watching.data_of_next("state").await, "awaiting_approval");
    let decide = format!("/api/v1/approvals/{approval_id}/approve");
    let body = json!({ "reason": "it is fine", "request_digest": approval["request_digest"] });
    two.post(Credential::Key(&nodes.ada.key), &decide, &body).await.is(200);
    one.post(Credential::Key(&nodes.ada.key), &decide, &body).await.is(409);
    let next = with_timeout(MAX_PROPAGATION_DELAY, "the decision is published", watching.data_of_next("state")).await;
    assert!(["queued", "assigned", "running"].contains(&next.as_str()), "{next}");
    one.until_succeeded(&nodes.mia.key, &task).await;
}

/// D-12, D-01: both nodes stream a task's output live, and either can cancel it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_output_streams_and_cancellation_work_at_both_nodes() {
    let nodes = Nodes::begin().await;
    for canceler in [&nodes.one, &nodes.two] {
        let script = "for n in 1 2 3 4 5 6; do echo line $n; sleep 0.4; done; sleep 50";
        let task = nodes.one.submit(&nodes.mia.key, script).await;
        let mut streams = vec![];
        for node in [&nodes.one, &nodes.two] {
            let path = format!("/api/v1/tasks/{task}/log?follow=1");
            streams.push(node.listen(Credential::Key(&nodes.mia.key), &path).await);
        }
        let [here, there] = &mut streams[..] else { panic!("two streams") };
        for n in 1..=6 {
            let (at_one, at_two) = tokio::join!(async { (here.data_of_next("line").await, Instant::now()) }, async {
                (there.data_of_next("line").await, Instant::now())
            });
            let text = |line: &str| serde_json::from_str::<Value>(line).unwrap()["text"].clone();
            assert_eq!((text(&at_one.0), text(&at_two.0)), (format!("line {n}").into(), format!("line {n}").into()));
            let apart = at_one.1.max(at_two.1) - at_one.1.min(at_two.1);
            assert!(apart < MAX_PROPAGATION_DELAY, "line {n} arrived {apart:?} later at one node");
        }
        let path = format!("/api/v1/tasks/{task}/cancel");
        canceler.post(Credential::Key(&nodes.mia.key), &path, &Value::Null).await.is(200);
        assert_eq!(here.data_of_next("end").await, "cancelled");
        assert_eq!(there.data_of_next("end").await, "cancelled");
    }
}

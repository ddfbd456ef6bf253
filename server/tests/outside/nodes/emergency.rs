//! Emergency actions at one node that take effect at the other within a second (D-12, K-09).
use super::{Nodes, propagation::MAX_PROPAGATION_DELAY};
use crate::{
    client::Credential,
    events::Events,
    people::Browser,
    processes::{task_processes, until_ended},
    program::Program,
    timeouts::{until, with_timeout},
};
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};
use testkit::MIA;

/// The open streams of one person at a node: a page, and a task's output.
struct OpenStreams {
    page: Events,
    output: Events,
}

impl OpenStreams {
    async fn open(node: &Program, browser: &Browser, key: &str, task: &str) -> Self {
        let page = node.listen(Credential::Browser(browser), "/live?topics=tasks").await;
        let mut output = node.listen(Credential::Key(key), &format!("/api/v1/tasks/{task}/log?follow=1")).await;
        assert!(output.data_of_next("line").await.contains("begun"));
        Self { page, output }
    }
}

/// Checks that a stream still delivers events.
async fn assert_stream_open(stream: &mut Events, node: &Program, key: &str) {
    let task = node.submit(key, "true").await;
    while !["*", &task].contains(&stream.data_of_next("tasks").await.as_str()) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_k_09_freeze_and_unfreeze_at_one_node_apply_at_the_other() {
    let nodes = Nodes::begin().await;
    let (one, two, key) = (&nodes.one, &nodes.two, &nodes.mia.key);
    let (admin, member) = (one.sign_in(&nodes.adam.email).await, two.sign_in(&nodes.mia.email).await);
    let task = json!({ "script": "true" });
    one.act(Credential::Browser(&admin), "emergency/freeze", &[]).await.is(200);
    for node in [two, one] {
        let refused = node.post(Credential::Key(key), "/api/v1/tasks", &task).await.is(409);
        assert!(refused.body.contains("frozen"), "{refused}");
        assert!(node.get(Credential::Browser(&member), "/tasks").await.is(200).body.contains("This tenant is frozen"));
    }
    two.act(Credential::Browser(&admin), "emergency/freeze", &[]).await.is(409);
    two.act(Credential::Browser(&admin), "emergency/unfreeze", &[]).await.is(200);
    for node in [one, two] {
        assert!(!node.get(Credential::Browser(&member), "/tasks").await.is(200).body.contains("This tenant is frozen"));
        let task = node.submit(key, "true").await;
        node.until_succeeded(key, &task).await;
    }
}

/// The kill switch stops tasks of the runners at both nodes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_k_09_the_kill_switch_at_one_node_stops_tasks_at_both() {
    let nodes = Nodes::begin().await;
    let (one, two, key) = (&nodes.one, &nodes.two, &nodes.mia.key);
    let admin = two.sign_in(&nodes.adam.email).await;
    until("both runners are connected", async || {
        let list = one.get(Credential::Key(&nodes.adam.key), "/api/v1/runners").await.is(200).json();
        let runners = list["items"].as_array().unwrap();
        (runners.len() == 2 && runners.iter().all(|runner| runner["connected"] == true)).then_some(())
    })
    .await;
    let idle = [one, two].map(|node| task_processes(node.pid()));
    let (mut tasks, mut runners) = (vec![], BTreeSet::new());
    while runners.len() < 2 {
        assert!(tasks.len() < 20, "all tasks go to one runner");
        let task = one.submit(key, "sleep 50 & echo begun; sleep 51; wait").await;
        one.until_printed(key, &task, "begun").await;
        runners.insert(one.task(key, &task).await["runner"].to_string());
        tasks.push(task);
    }
    let running: Vec<_> =
        [one, two].into_iter().zip(&idle).map(|(node, idle)| &task_processes(node.pid()) - idle).collect();
    assert!(running.iter().all(|running| !running.is_empty()), "tasks run at both nodes");
    two.act(Credential::Browser(&admin), "emergency/stop-tasks", &[]).await.is(200);
    for running in &running {
        until_ended(running, Duration::from_secs(5)).await;
    }
    for task in &tasks {
        until("it is cancelled", async || (one.task(key, task).await["state"] == "cancelled").then_some(())).await;
    }
    let next = one.submit(key, "true").await;
    two.until_succeeded(key, &next).await;
}

/// Everyone in the tenant except the acting admin is signed out at both nodes; another tenant is unaffected.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_k_09_all_sessions_of_a_tenant_end_at_both_nodes_and_no_others() {
    let nodes = Nodes::begin().await;
    let (one, two) = (&nodes.one, &nodes.two);
    one.tenant("bolt");
    let bea = one.person_named("bea", MIA, "bolt");
    let (admin, hers, theirs) =
        (one.sign_in(&nodes.adam.email).await, two.sign_in(&nodes.mia.email).await, two.sign_in(&bea.email).await);
    let mut streams = vec![];
    for node in [one, two] {
        streams.push(node.listen(Credential::Browser(&hers), "/live?topics=tasks").await);
    }
    let mut own = two.listen(Credential::Browser(&admin), "/live?topics=tasks").await;
    let mut foreign = two.listen(Credential::Browser(&theirs), "/live?topics=tasks").await;
    one.act(Credential::Browser(&admin), "emergency/end-sessions", &[]).await.is(200);
    for stream in &mut streams {
        with_timeout(MAX_PROPAGATION_DELAY, "her stream ends", stream.end()).await;
    }
    for node in [one, two] {
        assert!(!node.is_signed_in(&hers.cookie()).await && node.is_signed_in(&admin.cookie()).await);
        assert!(node.is_signed_in(&theirs.cookie()).await);
    }
    assert_stream_open(&mut own, two, &nodes.adam.key).await;
    assert_stream_open(&mut foreign, two, &bea.key).await;
}

/// The sessions of one person end at both nodes; their keys are revoked separately.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_k_09_all_sessions_and_all_keys_of_a_person_end_at_both_nodes() {
    let nodes = Nodes::begin().await;
    let (one, two, key) = (&nodes.one, &nodes.two, &nodes.mia.key);
    let second = one.key(&nodes.mia.email, "tasks:read");
    let (admin, hers) = (one.sign_in(&nodes.adam.email).await, two.sign_in(&nodes.mia.email).await);
    let task = one.submit(key, "echo begun; sleep 50").await;
    one.until_printed(key, &task, "begun").await;
    let mut here = OpenStreams::open(one, &hers, &second, &task).await;
    let mut there = OpenStreams::open(two, &hers, key, &task).await;
    let mut own = two.listen(Credential::Browser(&admin), "/live?topics=tasks").await;

    one.act(Credential::Browser(&admin), "emergency/end-sessions", &[("id", &nodes.mia.id)]).await.is(200);
    let pages = async { tokio::join!(here.page.end(), there.page.end()) };
    with_timeout(MAX_PROPAGATION_DELAY, "her page streams end at both nodes", pages).await;
    for node in [one, two] {
        assert!(!node.is_signed_in(&hers.cookie()).await && node.is_signed_in(&admin.cookie()).await);
        for key in [key, &second] {
            node.get(Credential::Key(key), "/api/v1/me").await.is(200);
        }
    }
    assert_stream_open(&mut own, two, key).await;

    one.act(Credential::Browser(&admin), "keys/revoke-all", &[("owner", &nodes.mia.id)]).await.is(200);
    let outputs = async { tokio::join!(here.output.end(), there.output.end()) };
    with_timeout(MAX_PROPAGATION_DELAY, "the streams of her keys end at both nodes", outputs).await;
    for node in [one, two] {
        for key in [key, &second] {
            node.get(Credential::Key(key), "/api/v1/me").await.is(401);
        }
        node.get(Credential::Key(&nodes.adam.key), "/api/v1/me").await.is(200);
    }
    assert_stream_open(&mut own, two, &nodes.adam.key).await;
}

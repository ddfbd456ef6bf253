//! Consistency of the responses of both nodes.
use super::Nodes;
use crate::{client::Credential, timeouts::until};
use serde_json::json;

/// D-12, A-04: a session opened at one node is valid at the other, with the same responses.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_any_node_serves_any_request() {
    let nodes = Nodes::begin().await;
    let (one, two) = (&nodes.one, &nodes.two);
    let browser = one.sign_in(&nodes.adam.email).await;
    assert!(two.is_signed_in(&browser.cookie()).await);
    let task = one.submit(&nodes.mia.key, "echo done").await;
    two.until_succeeded(&nodes.mia.key, &task).await;
    let asks = json!({ "script": "echo asks", "title": "Test", "network_policy": "unrestricted" });
    let waits = two.submit_as(&nodes.mia.key, asks).await;
    until("both runners are connected", async || {
        let list = one.get(Credential::Key(&nodes.adam.key), "/api/v1/runners").await.is(200).json();
        let names: Vec<_> = list["items"].as_array().unwrap().iter().map(|runner| runner["name"].clone()).collect();
        (names.len() == 2 && names[0] != names[1]).then_some(())
    })
    .await;

    let of_task = |task: &str, rest: &str| format!("/api/v1/tasks/{task}{rest}");
    let paths = [
        "/api/v1/me".to_owned(),
        "/api/v1/tasks".to_owned(),
        "/api/v1/approvals".to_owned(),
        "/api/v1/audit?limit=20".to_owned(),
        "/api/v1/openapi.json".to_owned(),
        of_task(&task, ""),
        of_task(&task, "/log"),
        of_task(&waits, ""),
        of_task("0190aaaa-0000-7000-8000-000000000000", ""),
    ];
    for path in &paths {
        let who = Credential::Key(&nodes.adam.key);
        let (here, there) = (one.get(who, path).await, two.get(who, path).await);
        assert_eq!((here.status, here.body), (there.status, there.body), "{path}");
    }
    for path in [
        "/",
        "/tasks",
        "/approvals",
        "/runners",
        "/audit",
        "/browser-sessions",
        "/organizations",
        "/people",
        "/keys",
        "/rules",
    ] {
        let who = Credential::Browser(&browser);
        let (here, there) = (one.get(who, path).await, two.get(who, path).await);
        assert_eq!((here.status, there.status), (200, 200), "{path}");
    }
}

/// both nodes use the same new session id after a change of rights.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_04_both_nodes_use_the_same_session_id_after_a_change_of_rights() {
    let nodes = Nodes::begin().await;
    let (one, two) = (&nodes.one, &nodes.two);
    let (admin, browser) = (one.sign_in(&nodes.adam.email).await, two.sign_in(&nodes.mia.email).await);
    let before = browser.cookie();
    let fields = [("id", nodes.mia.id.as_str()), ("tenant_role", domain::role::TenantRole::Auditor.as_str())];
    one.act(Credential::Browser(&admin), "people/tenant-role", &fields).await.is(200);
    // Two tabs use the old cookie at both nodes concurrently.
    let (here, there) = (crate::people::Browser::with(&before), crate::people::Browser::with(&before));
    tokio::join!(one.get(Credential::Browser(&here), "/people"), two.get(Credential::Browser(&there), "/people"));
    assert_ne!(here.cookie(), before);
    assert_eq!(here.cookie(), there.cookie());
    for node in [one, two] {
        assert!(node.is_signed_in(&here.cookie()).await);
    }
}

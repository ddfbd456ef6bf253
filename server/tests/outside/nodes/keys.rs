//! Nodes with other keys than the deployment are refused at startup.
use super::Nodes;
use crate::{program::Program, timeouts::DEFAULT_TIMEOUT};
use std::{fs, os::unix::fs::PermissionsExt};

/// 64 hexadecimal digits.
const KEY: &str = "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e";

/// A-04, D-12: a node with the same master key but other keys is refused with the file's name and a fix, and starts
/// once the files are copied.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_04_a_node_with_other_keys_is_refused() {
    let mut one = Program::postgres();
    one.set("CASTELLAN_ENCRYPTION_KEY", KEY);
    one.start().await;
    let mut stranger = Program::sqlite();
    stranger.set("CASTELLAN_ENCRYPTION_KEY", KEY);
    stranger.set("CASTELLAN_DATABASE_URL", one.database_url().unwrap());
    let (theirs, ours) = (stranger.data().join("secrets"), one.data().join("secrets"));
    for name in ["grants.pem", "checkpoints.pem", "sessions.key", "runners-ca.key"] {
        let message = stranger.startup_error().await;
        assert!(message.contains(&format!("secrets/{name}")) && message.contains("copy"), "{message}");
        fs::create_dir_all(&theirs).unwrap();
        fs::set_permissions(&theirs, fs::Permissions::from_mode(0o700)).unwrap();
        fs::copy(ours.join(name), theirs.join(name)).unwrap();
        // The certificate belongs to the copied key.
        let _ = fs::remove_file(stranger.data().join("runners-ca.pem"));
    }
    stranger.start().await;
}

/// X1, D-12: after a rotation of the grant key, both nodes sign with the new one, and tasks of one run on the runner of the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x1_d_12_both_nodes_continue_with_the_new_grant_key() {
    let mut nodes = Nodes::begin().await;
    for node in [&mut nodes.one, &mut nodes.two] {
        node.stop(DEFAULT_TIMEOUT).await;
    }
    nodes.one.cli(&["admin", "rotate-grant-key"], "");
    nodes.one.start().await;
    let before_it_was_copied = nodes.one.submit(&nodes.mia.key, "echo one").await;
    let refused = nodes.two.startup_error().await;
    assert!(refused.contains("secrets/grants.pem does not match this database"), "{refused}");
    fs::copy(nodes.one.data().join("secrets/grants.pem"), nodes.two.data().join("secrets/grants.pem")).unwrap();
    nodes.two.start().await;
    let of_two = nodes.two.submit(&nodes.mia.key, "echo two").await;
    for node in [&nodes.one, &nodes.two] {
        for task in [&before_it_was_copied, &of_two] {
            node.until_succeeded(&nodes.mia.key, task).await;
        }
    }
    // Each node alone, so that its own runner has to accept its grants.
    nodes.one.stop(DEFAULT_TIMEOUT).await;
    let alone = nodes.two.submit(&nodes.mia.key, "echo alone").await;
    nodes.two.until_succeeded(&nodes.mia.key, &alone).await;
    assert_eq!(nodes.two.audit(&nodes.adam.key, Some("grant_key.rotate")).await.len(), 1);
}

/// M-06: a node without the master key is refused, and makes none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m_06_a_node_without_the_master_key_is_refused() {
    let mut one = Program::postgres();
    one.start().await;
    let mut stranger = Program::sqlite();
    stranger.set("CASTELLAN_DATABASE_URL", one.database_url().unwrap());
    let message = stranger.startup_error().await;
    assert!(message.contains("secrets/master.key is missing") && !stranger.data().exists(), "{message}");
}

//! Nodes with other keys than the deployment are refused at startup.
use crate::program::Program;
use std::fs;

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
        fs::copy(ours.join(name), theirs.join(name)).unwrap();
        // The certificate belongs to the copied key.
        let _ = fs::remove_file(stranger.data().join("runners-ca.pem"));
    }
    stranger.start().await;
}

/// M-06: a node with a different master key is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m_06_a_node_with_another_master_key_is_refused() {
    let mut one = Program::postgres();
    one.start().await;
    let mut stranger = Program::sqlite();
    stranger.set("CASTELLAN_DATABASE_URL", one.database_url().unwrap());
    let message = stranger.startup_error().await;
    assert!(message.contains("master key is not the one"), "{message}");
}

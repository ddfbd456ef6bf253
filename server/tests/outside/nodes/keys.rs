//! A node that has other keys than the rest of the deployment does not start.
use std::fs;

use crate::program::Program;

/// 64 hexadecimal digits.
const KEY: &str = "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e";

/// A-04, D-12: with the same master key and another of the rest it is refused, by name and with what to do; with the right
/// ones it starts.
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
        // The certificate goes with the key.
        let _ = fs::remove_file(stranger.data().join("runners-ca.pem"));
    }
    stranger.start().await;
}

/// M-06: without the master key that the database was made with it is refused as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m_06_a_node_with_another_master_key_is_refused() {
    let mut one = Program::postgres();
    one.start().await;
    let mut stranger = Program::sqlite();
    stranger.set("CASTELLAN_DATABASE_URL", one.database_url().unwrap());
    let message = stranger.startup_error().await;
    assert!(message.contains("master key is not the one"), "{message}");
}

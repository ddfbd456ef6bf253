//! Removal of secrets from the environment of the server and its child processes (E1).

use secrecy::ExposeSecret;
use server::keys::{harden_process, take_secrets};
use std::process::{Command, Output};

const KEY: &str = "abababababababababababababababababababababababababababababababab";
const URL: &str = "postgres://castellan:pass-4712@localhost/castellan";
const ROLE: &str = "CASTELLAN_TEST_SERVER_PROCESS";

/// Runs as the server process for the tests below, which start this test binary again with the variables set.
#[test]
fn server_process() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let given = take_secrets().unwrap();
    let key = given.master.expect("the key arrived");
    assert_eq!(given.settings, [("CASTELLAN_DATABASE_URL".to_owned(), URL.to_owned())]);
    assert_eq!(hex::encode(given.sessions.expect("the session secret arrived").expose_secret()), KEY.repeat(2));
    assert_eq!(hex::encode(key.expose_secret()), KEY);
    let own = std::fs::read("/proc/self/environ").unwrap();
    println!("own environment: {}", String::from_utf8_lossy(&own).replace('\0', " "));
    // The child prints its environment and whatever its file descriptors contain.
    let look = "tr '\\0' ' ' < /proc/self/environ; for fd in /proc/self/fd/*; do timeout 0.2 cat $fd; done";
    let child = Command::new("sh").args(["-c", look]).stdin(std::process::Stdio::null()).output().unwrap();
    println!("child: {}", String::from_utf8_lossy(&child.stdout));
    harden_process().unwrap();
    println!("limits: {}", std::fs::read_to_string("/proc/self/limits").unwrap());
    println!("server process done");
}

fn server_with(key: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "master_key::server_process", "--nocapture", "--test-threads=1"])
        .env(ROLE, "1")
        .env("CASTELLAN_ENCRYPTION_KEY", key)
        .env("CASTELLAN_SESSION_SECRET", KEY.repeat(2))
        .env("CASTELLAN_DATABASE_URL", URL)
        .output()
        .unwrap()
}

#[test]
fn trap_e01_secrets_are_removed_from_the_environment_of_server_and_children() {
    let output = server_with(KEY);
    let seen = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && seen.contains("server process done"), "{output:?}");
    assert!(seen.contains(ROLE), "the environment was printed: {seen}");
    assert!(!seen.contains("abab") && !seen.contains("CASTELLAN_ENCRYPTION_KEY="), "{seen}");
    assert!(
        !seen.contains("4712") && !seen.contains("CASTELLAN_DATABASE_URL="),
        "the database password is removed too: {seen}"
    );
    let cores = seen.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(cores.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "A-12");
}

/// M-06.
#[test]
fn an_invalid_key_is_refused_without_displaying_it() {
    let output = server_with("not-a-key-4711");
    let said = format!("{output:?}");
    assert!(!output.status.success() && said.contains("64 hexadecimal digits") && !said.contains("4711"), "{said}");
}

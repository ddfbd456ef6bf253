//! Refused configurations at startup, and file permissions (A-12, M-06, E1).
use crate::{
    people::start_with_member,
    processes::{descendants, runner_of},
    program::Program,
    timeouts::until,
};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// 64 hexadecimal digits.
const KEY: &str = "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e";

/// A public listen address without TLS is refused with the settings that fix it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_public_address_without_tls_is_refused_with_the_fix() {
    let mut program = Program::sqlite();
    for open in ["0.0.0.0:0", "[::]:0", "192.0.2.1:9876"] {
        program.set("CASTELLAN_LISTEN", open);
        let message = program.startup_error().await;
        for fix in ["tls.certificate", "tls.key", "tls_terminated_by_proxy", "127.0.0.1"] {
            assert!(message.contains(fix), "{open}: {message}");
        }
    }
}

/// keys and data have private permissions, and keys with open permissions are refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_12_keys_and_data_have_private_permissions() {
    let mut program = Program::sqlite();
    start_with_member(&mut program).await;
    let data = program.data();
    until("the runner has its identity", async || {
        let runners = fs::read_dir(data.join("runners")).ok()?;
        runners.flatten().any(|runner| runner.path().join("identity.json").exists()).then_some(())
    })
    .await;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("secrets")), 0o700);
    for secret in fs::read_dir(data.join("secrets")).unwrap() {
        assert_eq!(mode(&secret.unwrap().path()), 0o600);
    }
    for runner in fs::read_dir(data.join("runners")).unwrap() {
        let runner = runner.unwrap().path();
        assert_eq!(mode(&runner), 0o700);
        for file in ["identity.json", "key.pk8"] {
            assert_eq!(mode(&runner.join(file)), 0o600, "{file}");
        }
    }
    program.kill();
    let key = data.join("secrets/master.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let message = program.startup_error().await;
    assert!(message.contains("chmod 600") && message.contains("master.key"), "{message}");
}

/// The database and its journal are private even in a folder with open permissions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_12_the_database_is_private_in_a_folder_with_open_permissions() {
    let mut program = Program::sqlite();
    fs::create_dir(program.data()).unwrap();
    fs::set_permissions(program.data(), fs::Permissions::from_mode(0o755)).unwrap();
    start_with_member(&mut program).await;
    for entry in fs::read_dir(program.data()).unwrap() {
        let path = entry.unwrap().path();
        let public = path.ends_with("runners-ca.pem"); // a public certificate
        assert!(public || mode(&path) & 0o077 == 0, "{} has mode {:o}", path.display(), mode(&path));
    }
}

/// M-06: a different master key is refused and changes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m_06_a_wrong_master_key_is_refused() {
    let mut program = Program::sqlite();
    let mia = start_with_member(&mut program).await;
    let task = program.submit(&mia.key, "true").await;
    program.until_succeeded(&mia.key, &task).await;
    program.kill();
    program.set("CASTELLAN_ENCRYPTION_KEY", KEY);
    let message = program.startup_error().await;
    assert!(message.contains("master key is not the one") && !message.contains(KEY), "{message}");
    program.set("CASTELLAN_ENCRYPTION_KEY", "not a key");
    let message = program.startup_error().await;
    assert!(message.contains("64 hexadecimal digits") && !message.contains("not a key"), "{message}");
    let right = fs::read_to_string(program.data().join("secrets/master.key")).unwrap();
    program.set("CASTELLAN_ENCRYPTION_KEY", right.trim());
    program.start().await;
    program.until_succeeded(&mia.key, &task).await;
}

/// A database with a newer schema is not modified.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_schema_is_refused() {
    let mut program = Program::postgres();
    program.start().await;
    program.kill();
    program.sql(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'from the future', true, '\\x00', 0)",
    );
    let message = program.startup_error().await;
    assert!(message.contains("newer Castellan") && message.contains("9999"), "{message}");
}

/// E1: a master key from the environment is removed from the environment of the server, the runner and their child
/// processes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_e01_the_master_key_is_removed_from_the_environment() {
    let mut program = Program::sqlite();
    program.set("CASTELLAN_ENCRYPTION_KEY", KEY);
    let mia = start_with_member(&mut program).await;
    assert!(!program.data().join("secrets/master.key").exists());
    let task = program.submit(&mia.key, "cat /proc/*/environ | tr '\\0' '\\n'; echo begun; sleep 20").await;
    program.until_printed(&mia.key, &task, "begun").await;
    let printed = program.printed(&mia.key, &task).await;
    assert!(!printed.contains("5ca1ab1e") && !printed.contains("CASTELLAN"), "{printed}");
    assert!(runner_of(program.pid()).is_some());
    let below = descendants(program.pid());
    assert!(below.len() >= 3, "a runner, its sandbox and the task: {below:?}");
    for pid in below.iter().map(|process| process.pid).chain([program.pid()]) {
        for file in ["environ", "cmdline"] {
            // Files that this user cannot open are fine.
            let text = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            assert!(!text.contains("5ca1ab1e") && !text.contains("CASTELLAN_ENCRYPTION_KEY="), "{pid}: {file}");
        }
    }
    program
        .post(
            crate::client::Credential::Key(&mia.key),
            &format!("/api/v1/tasks/{task}/cancel"),
            &serde_json::Value::Null,
        )
        .await
        .is(200);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

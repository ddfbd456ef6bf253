//! Backups of a running server: nothing that was acknowledged before is missing, and the runner accepts the restored log.
use super::{PASSPHRASE, WITH_KEYS, back_up, beside, query, restored, verify};
use crate::{
    client::{Credential, client},
    people::PASSWORD,
    program::Program,
    recovery::begin,
    timeouts::{DEFAULT_TIMEOUT, until},
};
use serde_json::json;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

/// Number of clients that submit at the same time.
const CLIENTS: usize = 24;

/// Tasks that are acknowledged before the backup begins.
const BEFORE: usize = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_13_nothing_acknowledged_before_a_backup_under_load_is_missing_after_its_restore() {
    let mut program = Program::sqlite();
    program.configure("[local_runner]\nenabled = false\n");
    program.lift_rate_limits();
    let adam = begin(&mut program).await;
    let (stop, count) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
    let mut clients = JoinSet::new();
    let began = Instant::now();
    for _ in 0..CLIENTS {
        let (client, stop, count) = (client(1), stop.clone(), Arc::clone(&count));
        let (url, key) = (format!("{}/api/v1/tasks", program.origin), adam.key.clone());
        clients.spawn(async move {
            let mut acknowledged = vec![];
            while !stop.is_cancelled() {
                let request = client.post(&url).bearer_auth(&key).json(&json!({ "script": "true" }));
                let response = request.send().await.unwrap();
                assert_eq!(response.status(), 201);
                let task: serde_json::Value = response.json().await.unwrap();
                acknowledged.push((Instant::now(), task["id"].as_str().unwrap().to_owned()));
                count.fetch_add(1, Ordering::Relaxed);
            }
            acknowledged
        });
    }
    until("the load runs", async || (count.load(Ordering::Relaxed) >= BEFORE).then_some(())).await;
    let (at_begin, before) = (Instant::now(), count.load(Ordering::Relaxed));
    let rate = before * 1_000 / usize::try_from(began.elapsed().as_millis()).unwrap();
    let file = beside(&program, "backup.tar").display().to_string();
    let mut backup = program.command(&["backup", &file]).spawn().unwrap();
    let status = until("the backup is made", async || backup.try_wait().unwrap()).await;
    assert!(status.success());
    let during = count.load(Ordering::Relaxed) - before;
    assert!(during > 0, "submissions continue during the backup");
    until("more is acknowledged", async || (count.load(Ordering::Relaxed) >= before + during + 50).then_some(())).await;
    stop.cancel();
    let mut acknowledged = vec![];
    while let Some(one) = clients.join_next().await {
        acknowledged.extend(one.unwrap());
    }
    program.kill();
    println!("{rate} submissions per second; {before} before the backup, {during} during it");

    let text = program.cli(&["restore", &file, "--reason", "Disk failure", "--json"], "");
    let result: serde_json::Value = serde_json::from_str(&text).unwrap();
    let missing = result["acknowledged"][0]["text"].as_str().unwrap();
    assert!(missing.contains("is missing; a signed checkpoint covers"), "{result}");
    assert!(result["created_at"].is_string() && result["previous_database"].is_string(), "{result}");
    assert_eq!(result["warnings"], json!([]), "{result}");
    program.start().await;
    let mut lost = 0;
    for (at, id) in &acknowledged {
        let found = program.get(Credential::Key(&adam.key), &format!("/api/v1/tasks/{id}")).await.status;
        assert!(found == 200 || *at >= at_begin, "task {id} was acknowledged before the backup and is missing");
        lost += usize::from(found != 200);
    }
    assert!(lost > 0, "what was submitted after the backup is not in it");
    let restores = program.audit(&adam.key, Some("audit.restore")).await;
    let detail = &restores[0]["detail"];
    assert!(restores.len() == 1 && detail["reason"] == "Disk failure", "{restores:?}");
    let (old, new) = (detail["old"]["size"].as_i64().unwrap(), detail["new"]["size"].as_i64().unwrap());
    assert!(old > new && detail["kept"].as_i64().unwrap() <= new, "{detail}");
    program.stop(DEFAULT_TIMEOUT).await;
    let (status, result) = verify(&program, &[]);
    assert_eq!((status, &result["tenants"][0]["rollbacks"][0]["size"]), (0, &old.into()), "{result}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_13_after_a_restore_the_runner_works_and_the_former_data_is_kept() {
    let mut program = Program::sqlite();
    let adam = begin(&mut program).await;
    let before = program.submit(&adam.key, "echo before").await;
    program.until_succeeded(&adam.key, &before).await;
    let file = beside(&program, "backup.tar").display().to_string();
    let made: serde_json::Value = serde_json::from_str(&program.cli(&["backup", &file, "--json"], "")).unwrap();
    assert_eq!(made["bytes"], fs::metadata(&file).unwrap().len(), "{made}");
    assert!(made["file"] == file.as_str() && made["with_keys"] == false && made["created_at"].is_string(), "{made}");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let after = program.submit(&adam.key, "echo after").await;
    program.until_succeeded(&adam.key, &after).await;
    program.stop(DEFAULT_TIMEOUT).await;
    let text = restored(&program, &file);
    assert!(text.contains("The former database is kept as") && text.contains("server can be started"), "{text}");

    program.start().await;
    assert_eq!(program.printed(&adam.key, &before).await, "before\n");
    program.get(Credential::Key(&adam.key), &format!("/api/v1/tasks/{after}")).await.is(404);
    let again = program.submit(&adam.key, "echo again").await;
    program.until_succeeded(&adam.key, &again).await;
    assert_eq!(program.audit(&adam.key, Some("runner.enroll")).await.len(), 1, "the runner did not enroll again");
    assert!(program.audit(&adam.key, Some("runner.refuse")).await.is_empty());
    program.stop(DEFAULT_TIMEOUT).await;
    assert_eq!(verify(&program, &[]).0, 0);

    // The former database and the copies of its checkpoints know the newer task; the restored log is accepted with both.
    let names: Vec<_> =
        fs::read_dir(program.data()).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    let kept = |start: &str| names.iter().find(|name| name.starts_with(start)).unwrap_or_else(|| panic!("{names:?}"));
    let database = program.data().join(kept("castellan.db.before-restore-"));
    let found = query(&database, "select count(*) from audit where action = 'task.submit'");
    assert_eq!(found, "2");
    let checkpoints = program.data().join(kept("checkpoints.before-restore-")).display().to_string();
    assert_eq!(verify(&program, &["--against", &checkpoints]).0, 0);
    assert!(!program.data().join("restore").exists());

    // A second time, and back to the newer state.
    let newer = back_up(&program, "newer.tar");
    for file in [&file, &newer, &file] {
        restored(&program, file);
        program.start().await;
        let task = program.submit(&adam.key, "echo again").await;
        program.until_succeeded(&adam.key, &task).await;
        program.stop(DEFAULT_TIMEOUT).await;
        assert_eq!(verify(&program, &[]).0, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_13_a_backup_with_keys_is_restored_on_another_machine() {
    let mut program = Program::sqlite();
    let adam = begin(&mut program).await;
    let task = program.submit(&adam.key, "echo before").await;
    program.until_succeeded(&adam.key, &task).await;
    let file = beside(&program, "backup.tar").display().to_string();
    let arguments = [&["backup", &file], &WITH_KEYS[..]].concat();
    for weak in ["", "short\n", "passwordpassword\n"] {
        let text = super::failure(&program.run(&arguments, weak));
        assert!(text.contains("the passphrase"), "{text}");
    }
    let text = program.cli(&arguments, &format!("{PASSPHRASE}\n"));
    assert!(text.contains("contains the keys"), "{text}");
    program.stop(DEFAULT_TIMEOUT).await;
    let keys = fs::read(program.data().join("secrets/master.key")).unwrap();
    let bytes = fs::read(&file).unwrap();
    assert!(!bytes.windows(keys.len()).any(|window| window == keys), "the keys are encrypted");

    let mut other = Program::sqlite();
    let restore = ["restore", &file, "--reason", "New machine"];
    let text = super::failure(&other.run(&restore, ""));
    assert!(text.contains("no terminal") && text.contains("--passphrase-file"), "{text}");
    let restore = [&restore, &WITH_KEYS[1..]].concat();
    let text = super::failure(&other.run(&restore, "tidal copper lantern voyagf\n"));
    assert!(text.contains("passphrase is not the one"), "{text}");
    assert!(!other.data().join("secrets").exists() && !other.data().join("castellan.db").exists());
    other.cli(&restore, &format!("{PASSPHRASE}\n"));
    other.start().await;
    assert_eq!(other.printed(&adam.key, &task).await, "before\n");
    other.try_sign_in(&adam.email, PASSWORD, &[]).await.is(303);
    assert_eq!(other.audit(&adam.key, Some("audit.restore")).await.len(), 1);
    let again = other.submit(&adam.key, "echo again").await;
    other.until_succeeded(&adam.key, &again).await;
    other.stop(Duration::from_secs(20)).await;
    assert_eq!(verify(&other, &[]).0, 0);
    for name in ["master.key", "grants.pem", "sessions.key", "checkpoints.pem", "runners-ca.key"] {
        let [old, new] = [&program, &other].map(|of| of.data().join("secrets").join(name));
        assert_eq!(fs::read(&old).unwrap(), fs::read(&new).unwrap());
        assert_eq!(fs::metadata(new).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_13_keys_that_were_replaced_after_a_backup_restore_it() {
    let mut program = Program::sqlite();
    program.configure("[local_runner]\nenabled = false\n");
    let adam = begin(&mut program).await;
    let file = back_up(&program, "backup.tar");
    program.stop(DEFAULT_TIMEOUT).await;
    for command in ["rotate-checkpoint-key", "rotate-session-secret", "rotate-grant-key"] {
        program.cli(&["admin", command], "");
    }
    program.start().await;
    program.submit(&adam.key, "true").await;
    program.stop(DEFAULT_TIMEOUT).await;
    let text = restored(&program, &file);
    assert!(text.contains("castellan admin rotate-grant-key"), "{text}");
    program.start().await;
    program.sign_in(&adam.email).await;
    program.stop(DEFAULT_TIMEOUT).await;
    assert_eq!(verify(&program, &[]).0, 0);
}

//! Backups that are interrupted, and restores that are killed at any moment: no start serves a mixture, and the restore can be repeated.
use super::{back_up, failure, restore, restored, verify};
use crate::{client::Credential, program::Program, recovery::begin, timeouts::DEFAULT_TIMEOUT};
use rustix::process::{Pid, Signal, kill_process};
use std::{fs, process::Stdio, time::Duration};

/// Number of restores that are killed, each later than the one before.
const KILLS: u64 = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_13_an_interrupted_backup_leaves_nothing_or_a_complete_file() {
    let mut program = Program::sqlite();
    program.configure("[local_runner]\nenabled = false\n");
    begin(&mut program).await;
    let folder = super::beside(&program, "backups");
    fs::create_dir(&folder).unwrap();
    let mut interrupted = 0;
    for round in 0..8 {
        let file = folder.join(format!("{round}.tar")).display().to_string();
        let mut child =
            program.command(&["backup", &file]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(5 + 15 * round));
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        let status = child.wait().unwrap();
        interrupted += u32::from(!status.success());
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let text = failure(&restore(&program, &path.display().to_string()));
            assert!(path.extension().is_some_and(|it| it == "tar") && text.contains("a server runs"), "{text}");
            fs::remove_file(path).unwrap();
        }
    }
    assert!(interrupted > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_13_a_killed_restore_leaves_the_former_or_the_restored_data() {
    let mut program = Program::sqlite();
    program.configure("[local_runner]\nenabled = false\n");
    let adam = begin(&mut program).await;
    let before = program.submit(&adam.key, "true").await;
    let file = back_up(&program, "backup.tar");
    let began = std::time::Instant::now();
    let after = program.submit(&adam.key, "true").await;
    program.stop(DEFAULT_TIMEOUT).await;
    let former = super::beside(&program, "former");
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        drop(fs::remove_dir_all(to));
        assert!(std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
    };
    copy(&program.data(), &former);
    let whole = {
        let at = std::time::Instant::now();
        restored(&program, &file);
        at.elapsed()
    };
    let (mut as_before, mut complete, mut refused) = (0, 0, 0);
    for kill in 1..=KILLS {
        copy(&former, &program.data());
        let mut child =
            program.command(&["restore", &file, "--reason", "drill"]).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole * u32::try_from(kill).unwrap() / u32::try_from(KILLS).unwrap());
        let _ = child.kill(); // it may have ended
        child.wait().unwrap();
        if program.data().join("restore/plan.json").exists() {
            assert!(program.startup_error().await.contains("a restore into"));
            assert!(failure(&program.run(&["admin", "list-keys"], "")).contains("was interrupted"));
            refused += 1;
        } else {
            program.start().await;
            let status = program.get(Credential::Key(&adam.key), &format!("/api/v1/tasks/{after}")).await.status;
            match status {
                200 => as_before += 1,
                404 => complete += 1,
                other => panic!("{other}"),
            }
            program.get(Credential::Key(&adam.key), &format!("/api/v1/tasks/{before}")).await.is(200);
            program.stop(DEFAULT_TIMEOUT).await;
        }
        assert!(restore(&program, &file).status.success());
        assert_eq!(verify(&program, &[]).0, 0);
        assert!(!program.data().join("restore").exists());
    }
    println!("{as_before} as before, {complete} complete, {refused} refused; {:?}", began.elapsed());
    assert!(as_before > 0);
    program.start().await;
    program.get(Credential::Key(&adam.key), &format!("/api/v1/tasks/{after}")).await.is(404);
    program.stop(Duration::from_secs(20)).await;
}

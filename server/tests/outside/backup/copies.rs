//! Copies of the data folder that were made by other means: incomplete ones are noticed, and they can be verified where nothing can be
//! written.
use super::{back_up, verify};
use crate::{program::Program, recovery::begin, timeouts::DEFAULT_TIMEOUT};
use rustix::process::geteuid;
use std::{fs, os::unix::fs::PermissionsExt, process::Command};

fn copy(from: &Program, to: &Program, names: &[&str]) {
    fs::create_dir(to.data()).unwrap();
    for name in names {
        let copied = Command::new("cp").arg("-a").arg(from.data().join(name)).arg(to.data()).status();
        assert!(copied.unwrap().success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_bc50_a_copy_of_the_database_file_alone_is_noticed() {
    let mut program = Program::sqlite();
    program.configure("[local_runner]\nenabled = false\n");
    let adam = begin(&mut program).await;
    for _ in 0..30 {
        program.submit(&adam.key, "true").await;
    }
    // A backup signs the log up to the present moment; the pages are still in the write-ahead log.
    back_up(&program, "backup.tar");
    assert!(fs::metadata(program.data().join("castellan.db-wal")).unwrap().len() > 0);
    let (alone, complete, elsewhere) = (Program::sqlite(), Program::sqlite(), Program::sqlite());
    copy(&program, &alone, &["castellan.db", "secrets", "checkpoints"]);
    copy(&program, &elsewhere, &["castellan.db", "secrets"]);
    copy(&program, &complete, &["castellan.db", "castellan.db-wal", "secrets", "checkpoints"]);
    let (status, result) = verify(&alone, &[]);
    assert_eq!((status, &result["result"]), (3, &"altered".into()), "{result}");
    assert!(result["findings"][0]["text"].as_str().unwrap().contains("a signed checkpoint covers"), "{result}");
    let checkpoints = program.data().join("checkpoints").display().to_string();
    assert_eq!(verify(&elsewhere, &["--against", &checkpoints]).0, 3);
    let text = alone.startup_error().await;
    assert!(text.contains("is missing; a signed checkpoint covers"), "{text}");
    assert_eq!(verify(&complete, &[]).0, 0);
    program.stop(DEFAULT_TIMEOUT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_bc50_a_copy_that_cannot_be_written_is_refused_with_what_to_do() {
    let mut program = Program::sqlite();
    begin(&mut program).await;
    program.stop(DEFAULT_TIMEOUT).await;
    let data = program.data().display().to_string();
    match geteuid().is_root() {
        // Rights do not stop root.
        true => program.run_commands_within(&[
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-ec",
            "mount --bind \"$0\" \"$0\"; mount -o remount,bind,ro \"$0\"; exec \"$@\"",
            &data,
        ]),
        false => fs::set_permissions(&data, fs::Permissions::from_mode(0o500)).unwrap(),
    }
    let output = program.run(&["audit", "verify"], "");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("make its folder writable, or copy the whole data folder (cp -a)"), "{text}");
}

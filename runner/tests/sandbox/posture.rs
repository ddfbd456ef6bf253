//! Sandbox posture: what is reported, and that nothing runs without the isolation.

use super::*;
use runner::sandbox::{Limiter, StartError};
use std::{os::unix::fs::PermissionsExt, path::PathBuf};

#[tokio::test]
async fn a_fit_machine_reports_its_posture() {
    let executor = executor().await;
    let posture = executor.posture();
    println!("{posture:#?}");
    assert!(posture.bubblewrap.as_deref().is_some_and(|version| version.contains('.')));
    assert!(posture.seccomp && posture.user_namespaces);
    assert!(!posture.account.contains("(0)"));
    assert_eq!(posture.separate_ids, posture.ids_note.starts_with("Each task has a kernel user ID of its own"));
    assert_eq!(!posture.separate_ids, posture.ids_note.contains("usermod --add-subuids"));
    // A runner that is root needs no configuration for separate ids.
    assert!(posture.separate_ids || !root());
    assert_eq!(posture.limiter == Limiter::Rlimits, posture.limiter_note.contains("Delegate=yes"));
}

#[tokio::test]
async fn without_bubblewrap_nothing_runs_and_the_fix_is_reported() {
    let executor = Bubblewrap::new(&Config { bubblewrap: Some("/nowhere/bwrap".into()), ..config() }).await;
    let unfit = executor.posture().fit.clone().unwrap_err();
    assert_eq!(unfit.cause, "bubblewrap is not installed");
    assert!(unfit.fix.contains("apt-get install bubblewrap"), "{unfit}");
    assert!(matches!(executor.start(bash("echo ran")).await, Err(StartError::Unfit(reported)) if reported == unfit));
}

/// Returns a configuration with a script in place of bubblewrap.
fn impostor(script: &str) -> (tempfile::TempDir, Config) {
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let path: PathBuf = folder.path().join("bwrap");
    let draft = folder.path().join("draft");
    std::fs::write(&draft, format!("#!/bin/sh\n{script}\n")).unwrap();
    install(&draft, &path);
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    (folder, Config { bubblewrap: Some(path), ..config() })
}

#[tokio::test]
async fn an_old_or_foreign_bubblewrap_is_refused() {
    for (version, cause) in [("bubblewrap 0.6.1", "bubblewrap 0.6.1 is too old"), ("sandbox 9.9", "is not bubblewrap")]
    {
        let (_folder, config) = impostor(&format!("echo {version}"));
        let executor = Bubblewrap::new(&config).await;
        assert!(executor.posture().fit.clone().unwrap_err().cause.contains(cause));
    }
}

#[tokio::test]
async fn without_namespaces_nothing_runs_and_the_error_of_bubblewrap_is_reported() {
    let (_folder, config) = impostor(
        "[ \"$1\" = --version ] && echo bubblewrap 0.11.0 && exit\necho 'bwrap: setting up uid map: Permission denied' >&2; exit 1",
    );
    let executor = Bubblewrap::new(&config).await;
    let unfit = executor.posture().fit.clone().unwrap_err();
    assert!(unfit.cause.contains("setting up uid map: Permission denied"), "{unfit}");
    assert!(!executor.posture().user_namespaces);
    assert!(executor.start(bash("echo ran")).await.is_err());
}

#[tokio::test]
async fn a_failure_after_the_namespaces_counts_as_the_end_of_the_task() {
    // The program does not exist in the sandbox: bubblewrap got as far as the task, so this is the task's end.
    let mut job = bash("");
    job.argv = vec!["/nowhere/program".into()];
    let ran = run(job).await;
    assert!(ran.outcome.end == End::Exited(127), "{:?}", ran.outcome.end);
    assert!(ran.errors().contains("/nowhere/program"), "{}", ran.errors());
}

#[tokio::test]
async fn trap_e20_tasks_do_not_run_as_nobody() {
    let executor = Bubblewrap::new(&Config { user: Some("nobody".into()), ..config() }).await;
    if root() {
        assert!(executor.posture().fit.clone().unwrap_err().cause.contains("nobody, a user that other programs share"));
        assert!(executor.start(bash("id")).await.is_err());
    } else {
        assert!(!executor.posture().account.contains("nobody"));
    }
}

/// An account without a range works as before, and the posture says what its tasks share.
#[tokio::test]
async fn trap_e20_an_account_without_a_range_is_shared_by_all_tasks_and_reported() {
    let executor = Bubblewrap::new(&Config { user: Some("daemon".into()), ..config() }).await;
    let posture = executor.posture();
    posture.fit.clone().unwrap();
    if root() {
        assert!(!posture.separate_ids);
        assert_eq!(posture.account, "daemon (1)");
        assert!(posture.ids_note.contains("/etc/subuid has no range for daemon"), "{}", posture.ids_note);
    }
    assert_eq!(finish(executor.start(bash("id -u")).await.unwrap()).await.text(), "1000");
}

#[tokio::test]
async fn trap_e03_a_runner_that_is_root_refuses_to_run_tasks_as_root() {
    let executor = Bubblewrap::new(&Config { user: Some("root".into()), ..config() }).await;
    if root() {
        assert!(executor.posture().fit.clone().unwrap_err().cause.contains("root, is privileged"));
        assert!(executor.start(bash("id")).await.is_err());
    } else {
        // The configured user has no effect: it is for runners that are root.
        assert_eq!(finish(executor.start(bash("id -u")).await.unwrap()).await.text(), "1000");
    }
}

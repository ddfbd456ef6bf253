//! Runner program in a failing environment: a full disk, a log that is no longer read.

use crate::deployment::{Deployment, eventually};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_castellan-runner");

/// Starts the program before it is enrolled, under shell limits, and returns its output.
fn first_start(limits: &str, folder: &Path) -> String {
    let script = format!("{limits} exec \"$0\" --data-dir \"$1\"");
    let output = Command::new("sh").args(["-c", &script, PROGRAM]).arg(folder).output().unwrap();
    assert!(!output.status.success(), "it is not enrolled");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_first_start_on_a_full_disk_fails_and_can_be_repeated() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("runner");
    let stderr = first_start("trap '' XFSZ; ulimit -f 0;", &folder);
    assert!(stderr.contains("key.pk8") && stderr.contains("too large"), "{stderr}");
    assert!(!folder.join("key.pk8").exists());
    let stderr = first_start("", &folder);
    assert!(stderr.contains("--server is missing"), "{stderr}");
    assert!(folder.join("key.pk8").exists());
}

/// A local runner whose server was killed while it read the runner's log.
#[tokio::test(flavor = "multi_thread")]
async fn a_runner_continues_when_its_log_is_not_read() {
    let deployment = Deployment::open().await;
    let mut command = Command::new(PROGRAM);
    command.arg("--data-dir").arg(deployment.folder()).args(["--log", "trace"]);
    let mut runner = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(runner.stderr.take().unwrap());
    assert!(log.read_line(&mut String::new()).unwrap() > 0, "it writes a log");
    drop(log);
    let mut stream = deployment.server.next_stream().await;
    stream.greet(deployment.grant_key(), 30).await;
    stream.assign(deployment.assignment(7, 1, "echo done")).await;
    let mut lines = Vec::new();
    stream.rest(7, 1, &mut lines).await;
    assert_eq!(lines, ["done"]);
    kill_process(Pid::from_child(&runner), Signal::TERM).unwrap();
    let mut ended = None;
    eventually("it ends", || {
        ended = runner.try_wait().unwrap();
        ended.is_some()
    })
    .await;
    assert!(ended.unwrap().success(), "{ended:?}");
}

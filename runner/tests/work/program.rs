//! Runner program in a failing environment: a full disk, a log that is no longer read.

use crate::deployment::{Deployment, RUNNER, eventually};
use domain::{RunnerId, receipt::Receipt};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use uuid::Uuid;

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
    assert!(stderr.contains("enrolling-key.pk8") && stderr.contains("too large"), "{stderr}");
    assert!(!folder.join("enrolling-key.pk8").exists());
    let stderr = first_start("", &folder);
    assert!(stderr.contains("--server is missing"), "{stderr}");
    assert!(folder.join("enrolling-key.pk8").exists());
}

/// Answers one enrollment request and returns the enrollment token in it.
async fn answer_enrollment(listener: TcpListener, deployment: &Deployment, runner: RunnerId) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = String::new();
    let body: serde_json::Value = loop {
        let mut bytes = [0; 4096];
        let read = stream.read(&mut bytes).await.unwrap();
        request += std::str::from_utf8(&bytes[..read]).unwrap();
        let body = request.split_once("\r\n\r\n").map(|(_, body)| body);
        if let Some(Ok(body)) = body.map(serde_json::from_str) {
            break body;
        }
    };
    let answer = deployment.enrollment(body["csr"].as_str().unwrap(), runner);
    let head = format!("HTTP/1.1 201 Created\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
    stream.write_all(format!("{head}{answer}").as_bytes()).await.unwrap();
    let token = request.lines().find_map(|line| line.strip_prefix("authorization: Bearer ")).unwrap();
    token.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn s_02_a_runner_whose_identity_is_unusable_enrolls_again_and_keeps_its_receipts() {
    let deployment = Deployment::open().await;
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.checkpoint = deployment.checkpoint(5, 1);
    stream.greet(deployment.grant_key(), 30).await;
    stream.assign(deployment.assignment(7, 1, "echo kept")).await;
    let (receipt, _) = stream.rest(7, 1, &mut vec![]).await;
    worker.stop().await; // before the server acknowledges the receipt
    let (folder, remembered) = (deployment.folder(), deployment.remembered());
    assert!(remembered.contains("\n5\n"), "{remembered}");
    let spooled: Vec<_> = fs::read_dir(folder.join("spool")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(spooled.len(), 1);

    // A version before checkpoint keys wrote it.
    let identity = folder.join("identity.json");
    let mut old: serde_json::Value = serde_json::from_slice(&fs::read(&identity).unwrap()).unwrap();
    old.as_object_mut().unwrap().remove("checkpoint_key").unwrap();
    fs::write(&identity, old.to_string()).unwrap();
    let stderr = first_start("", &folder);
    assert!(stderr.contains("--reenroll") && stderr.contains("receipts that were not delivered are kept"), "{stderr}");

    // A failed enrollment changes nothing.
    let key = fs::read(folder.join("key.pk8")).unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(["--reenroll", "--token-stdin", "--server", "http://127.0.0.1:1", "--data-dir"]).arg(&folder);
    let mut failed = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    failed.stdin.take().unwrap().write_all(b"reg_1\n").unwrap();
    assert!(!failed.wait().unwrap().success());
    assert_eq!(fs::read(folder.join("key.pk8")).unwrap(), key);
    assert_eq!(fs::read_to_string(&identity).unwrap(), old.to_string());

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let mut command = Command::new(PROGRAM);
    command.args(["--reenroll", "--token-stdin", "--server", &server, "--data-dir"]).arg(&folder);
    let mut runner = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    runner.stdin.take().unwrap().write_all(b"reg_2\n").unwrap();
    let again = RunnerId(Uuid::from_u128(8));
    assert_eq!(answer_enrollment(listener, &deployment, again).await, "reg_2");
    let mut stream = deployment.server.next_stream().await;
    stream.checkpoint = deployment.checkpoint(6, 1);
    let hello = stream.greet(deployment.grant_key(), 30).await;
    assert!(hello.held.is_empty(), "the server knows the new runner only: {:?}", hello.held);
    assert_eq!(hello.checkpoint, remembered, "the runner remains a witness");
    kill_process(Pid::from_child(&runner), Signal::TERM).unwrap();
    runner.wait().unwrap();

    let kept = folder.join("undelivered").join(format!("{RUNNER}-{}", spooled[0].to_str().unwrap()));
    let signed: serde_json::Value = serde_json::from_slice(&fs::read(kept.join("receipt")).unwrap()).unwrap();
    assert_eq!(Receipt::read(signed["receipt"].as_str().unwrap().as_bytes()).unwrap(), receipt);
    assert!(fs::metadata(kept.join("lines")).unwrap().len() > 0);
    assert!(deployment.is_empty("spool"));
    let enrolled: serde_json::Value = serde_json::from_slice(&fs::read(&identity).unwrap()).unwrap();
    assert_eq!(enrolled["runner"], again.to_string());
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

//! Task lifecycle without faults.

use crate::deployment::{Deployment, RUNNER, TENANT, attempt_of};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_ASN1, UnparsedPublicKey};
use domain::{
    receipt::End,
    request::{OutputDigest, RequestDigest},
};
use std::time::{Duration, Instant};
use wire::v1::{Stopping, runner_message::Kind};

/// S-14: the signature can be verified later by anyone.
#[tokio::test(flavor = "multi_thread")]
async fn s_14_a_granted_task_runs_and_returns_its_output_and_signed_receipt() {
    let deployment = Deployment::open().await;
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    let hello = stream.greet(deployment.grant_key(), 30).await;
    assert_eq!((hello.name.as_str(), hello.slots, hello.held.len()), ("worker", 2, 0));
    assert_eq!(hello.capabilities, ["bash"]);
    assert!(hello.posture.unwrap().unfit.is_none());

    let assign = deployment.assignment(7, 1, "echo one; echo two >&2; printf three; exit 3");
    let digest = RequestDigest::of(&assign.request);
    stream.assign(assign).await;
    assert_eq!(stream.started().await.attempt, attempt_of(7, 1));
    let mut lines = Vec::new();
    let (receipt, signature) = stream.rest(7, 1, &mut lines).await;
    lines.sort();
    assert_eq!(lines, ["one", "three", "two"]);
    assert_eq!((receipt.tenant, receipt.runner, receipt.request), (TENANT, RUNNER, digest));
    assert_eq!((receipt.end.clone(), receipt.output_lines, receipt.output_bytes), (End::Exited(3), 3, 13));
    assert!(receipt.started_at < receipt.ended_at);
    let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, deployment.runner_key());
    key.verify(&receipt.signed_bytes(), &signature).unwrap();
    key.verify(b"something else", &signature).unwrap_err();

    stream.finished_ack(7, 1).await;
    deployment.empties("spool").await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn output_arrives_within_milliseconds_while_the_task_runs() {
    let deployment = Deployment::open().await;
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.greet(deployment.grant_key(), 30).await;
    stream.assign(deployment.assignment(7, 1, "for i in 1 2 3 4 5 6 7 8 9 10; do date +%s%N; sleep 0.1; done")).await;
    let (mut lines, mut slow) = (Vec::new(), Vec::new());
    for count in 1..=10 {
        stream.lines(7, 1, &mut lines, count).await;
        let printed: u128 = lines.last().unwrap().parse().unwrap();
        let now = u128::try_from(runner::clock::now().0).unwrap();
        slow.push(now.saturating_sub(printed / 1_000) / 1_000);
    }
    slow.sort_unstable();
    println!("milliseconds from printed to received: {slow:?}");
    // A bound that holds on a busy machine too; on an idle one it is a few milliseconds.
    assert!(slow[5] < 500, "{slow:?}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_task_ends_and_reports_it() {
    let deployment = Deployment::open().await;
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.greet(deployment.grant_key(), 30).await;
    stream.assign(deployment.assignment(7, 1, "echo here; sleep 100; echo never")).await;
    let mut lines = Vec::new();
    stream.lines(7, 1, &mut lines, 1).await;
    let start = Instant::now();
    stream.cancel(7, 1).await;
    let (receipt, _) = stream.rest(7, 1, &mut lines).await;
    assert_eq!((receipt.end, lines), (End::Cancelled, vec!["here".to_owned()]));
    assert!(start.elapsed() < Duration::from_secs(7));
    worker.stop().await;
}

/// D-04: a request that differs in one byte is not started.
#[tokio::test(flavor = "multi_thread")]
async fn d_04_a_changed_script_is_refused_and_does_not_run() {
    let deployment = Deployment::open().await;
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.greet(deployment.grant_key(), 30).await;
    let mut assign = deployment.assignment(7, 1, "echo hi");
    assign.script = b"echo ho".to_vec().into();
    stream.assign(assign).await;
    let refused = stream.refused().await;
    assert_eq!(refused.attempt, attempt_of(7, 1));
    assert!(refused.reason.contains("script") && !refused.elsewhere, "{}", refused.reason);
    worker.stop().await;
    assert!(deployment.is_empty("started") && deployment.is_empty("spool"));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_tasks_are_limited_by_the_slots() {
    let deployment = Deployment::open().await;
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.greet(deployment.grant_key(), 30).await;
    for task in [7, 8] {
        stream.assign(deployment.assignment(task, 1, "sleep 100")).await;
        stream.started().await;
    }
    stream.assign(deployment.assignment(9, 1, "true")).await;
    let refused = stream.refused().await;
    assert!(refused.elsewhere, "another runner may have a slot");
    let stopping = Instant::now();
    worker.stop().await;
    assert!(stopping.elapsed() < Duration::from_secs(4), "running tasks are killed without waiting");
    assert!(deployment.is_empty("spool"));
}

#[tokio::test(flavor = "multi_thread")]
async fn long_output_is_complete_and_in_order() {
    let deployment = Deployment::open().await;
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.greet(deployment.grant_key(), 30).await;
    stream.assign(deployment.assignment(7, 1, "seq 1 200000")).await;
    let mut lines = Vec::new();
    let (receipt, _) = stream.rest(7, 1, &mut lines).await;
    assert_eq!(lines.len(), 200_000);
    assert!(lines.iter().zip(1..).all(|(line, number)| *line == number.to_string()));
    let whole: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    assert_eq!(receipt.output, OutputDigest::of(whole.as_bytes()));
    worker.stop().await;
}

/// Otherwise the server would report the runner as silent.
#[tokio::test(flavor = "multi_thread")]
async fn s_12_a_runner_that_is_stopped_says_so() {
    let deployment = Deployment::open().await;
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.greet(deployment.grant_key(), 30).await;
    let stopping = tokio::spawn(worker.stop());
    assert_eq!(stream.next_message().await, Some(Kind::Stopping(Stopping {})));
    drop(stream);
    stopping.await.unwrap();
}

//! Rejection of messages from other runners, stale attempts and revoked runners.

use super::fixture::Fixture;
use domain::{
    TaskId,
    log::{MAX_LINE, MAX_OUTPUT},
    task::TaskState,
};
use tonic::Code;
use uuid::Uuid;
use wire::v1::{Attempt, Heartbeat, runner_message, server_message::Kind};

/// Regression test for an advisory in another product: a worker completed another worker's job (Coder
/// GHSA-9rjw-3gwp-f59v).
#[tokio::test]
async fn messages_about_another_runners_task_are_refused_and_audited() {
    let fixture = Fixture::start().await;
    let (owner, stranger) = (fixture.runner("owner").await, fixture.runner("stranger").await);
    let mut own = owner.connect(1, &[]).await;
    let id = fixture.submit("true").await;
    let assign = own.assigned().await;
    let mut stream = stranger.connect(1, &[]).await;
    for word in 0..4 {
        match word {
            0 => stream.started(&assign),
            1 => stream.print(&assign, 1, &["forged"]),
            2 => stream.finish(stranger.finished(&assign, "")),
            _ => stream.finish(owner.finished(&assign, "")),
        }
        let Ok(Some(Kind::LeaseLost(lost))) = stream.receive().await else { panic!("a refusal") };
        assert_eq!(lost.attempt, assign.attempt);
        assert_eq!(fixture.refusals("runner.refuse").await, 1, "audited once per lease");
    }
    let task = fixture.task(id).await;
    assert_eq!((task.state, task.next_line), (TaskState::Assigned, 1));
    own.finish(owner.finished(&assign, ""));
    assert!(matches!(own.receive().await, Ok(Some(Kind::FinishedAck(_)))));
}

/// A runner that reconnects without its task gets it again as a new attempt; messages of the first attempt are stale.
#[tokio::test]
async fn a_reconnected_runner_without_its_task_gets_a_new_attempt() {
    let fixture = Fixture::start().await;
    let runner = fixture.runner("builder").await;
    let mut stream = runner.connect(1, &[]).await;
    let id = fixture.submit("true").await;
    let first = stream.assigned().await;
    stream.started(&first);
    stream.print(&first, 1, &["half"]);
    assert!(matches!(stream.receive().await, Ok(Some(Kind::LinesAck(_)))));
    drop(stream);

    let mut stream = runner.connect(1, &[]).await;
    let second = stream.assigned().await;
    assert_eq!(second.attempt.as_ref().unwrap().attempt, 2);
    stream.print(&first, 2, &["too late"]);
    let Ok(Some(Kind::LeaseLost(lost))) = stream.receive().await else { panic!("a refusal") };
    assert_eq!(lost.attempt, first.attempt);
    stream.finish(runner.finished(&second, ""));
    assert!(matches!(stream.receive().await, Ok(Some(Kind::FinishedAck(_)))));
    assert_eq!(fixture.task(id).await.state, TaskState::Succeeded);
}

#[tokio::test]
async fn a_reconnected_runner_with_its_task_resumes_at_the_next_line() {
    let fixture = Fixture::start().await;
    let runner = fixture.runner("builder").await;
    let mut stream = runner.connect(2, &[]).await;
    let id = fixture.submit("true").await;
    let assign = stream.assigned().await;
    stream.print(&assign, 1, &["one", "two"]);
    assert!(matches!(stream.receive().await, Ok(Some(Kind::LinesAck(_)))));
    // The old stream is still open; the newest stream replaces it.
    let mut again = runner.connect(2, &[&assign]).await;
    let Ok(Some(Kind::LinesAck(ack))) = again.receive().await else { panic!("a resume position") };
    assert_eq!((ack.attempt, ack.next_line), (assign.attempt.clone(), 3));
    while let Ok(Some(_)) = stream.receive().await {}
    assert_eq!(fixture.task(id).await.attempt, 1);
    again.finish(runner.finished(&assign, "one\ntwo\n"));
    assert!(matches!(again.receive().await, Ok(Some(Kind::FinishedAck(_)))));
}

#[tokio::test]
async fn a_heartbeat_renews_held_leases_and_reports_lost_ones() {
    let fixture = Fixture::start().await;
    let runner = fixture.runner("builder").await;
    let mut stream = runner.connect(1, &[]).await;
    let id = fixture.submit("true").await;
    let assign = stream.assigned().await;
    let before = fixture.task(id).await.lease_until;
    let other = Attempt { task: Uuid::from_u128(9).as_bytes().to_vec().into(), attempt: 1 };
    let active = vec![assign.attempt.clone().unwrap(), other.clone()];
    stream.send(runner_message::Kind::Heartbeat(Heartbeat { sequence: 7, active, load: None }));
    let Ok(Some(Kind::LeaseLost(lost))) = stream.receive().await else { panic!("a lost lease") };
    assert_eq!(lost.attempt, Some(other));
    let Ok(Some(Kind::HeartbeatAck(ack))) = stream.receive().await else { panic!("an acknowledgement") };
    assert_eq!(ack.sequence, 7);
    assert!(fixture.task(id).await.lease_until > before);
}

/// S-13, E13: the connection is cut at once, and a valid certificate does not let the runner reconnect.
#[tokio::test]
async fn trap_e13_a_revoked_runner_is_disconnected_and_cannot_reconnect() {
    let fixture = Fixture::start().await;
    let runner = fixture.runner("builder").await;
    let mut stream = runner.connect(1, &[]).await;
    let id = fixture.submit("true").await;
    let assign = stream.assigned().await;
    fixture.revoke(runner.id).await;
    stream.finish(runner.finished(&assign, ""));
    let end = loop {
        match stream.receive().await {
            Ok(Some(Kind::Reject(_))) => {}
            Ok(Some(other)) => panic!("{other:?} to a revoked runner"),
            end => break end,
        }
    };
    assert!(end.map_or(true, |word| word.is_none()), "the call has ended");
    assert_eq!(fixture.task(id).await.state, TaskState::Cancelled, "results of a revoked runner are ignored");
    for _ in 0..3 {
        let refused = runner.open_stream().await.err().expect("a refusal");
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    assert_eq!(fixture.refusals("runner.refuse").await, 1, "audited once, not per attempt");
}

#[tokio::test]
async fn a_receipt_with_a_foreign_signature_fails_the_task() {
    let fixture = Fixture::start().await;
    let (runner, other) = (fixture.runner("builder").await, fixture.runner("other").await);
    let mut stream = runner.connect(1, &[]).await;
    let id = fixture.submit("true").await;
    let assign = stream.assigned().await;
    let mut forged = runner.finished(&assign, "");
    forged.signature = other.finished(&assign, "").signature;
    stream.finish(forged);
    assert!(matches!(stream.receive().await, Ok(Some(Kind::FinishedAck(_)))));
    let task = fixture.task(id).await;
    assert_eq!(task.state, TaskState::Failed);
    assert!(task.ending.unwrap().contains("not signed"));
}

/// The server counts the output itself, because a hostile runner could report less.
#[tokio::test]
async fn a_task_with_unlimited_output_is_stopped_and_fails() {
    let fixture = Fixture::start().await;
    let runner = fixture.runner("builder").await;
    let mut stream = runner.connect(1, &[]).await;
    let id = fixture.submit("true").await;
    let assign = stream.assigned().await;
    stream.started(&assign);
    let line = "x".repeat(MAX_LINE - 1);
    let batch = [line.as_str(); 32];
    let most = usize::try_from(MAX_OUTPUT).unwrap() / (MAX_LINE * batch.len());
    for n in 0..most {
        stream.print(&assign, u64::try_from(n * batch.len() + 1).unwrap(), &batch);
        assert!(matches!(stream.receive().await, Ok(Some(Kind::LinesAck(_)))), "batch {n}");
    }
    stream.print(&assign, u64::try_from(most * batch.len() + 1).unwrap(), &batch);
    let Ok(Some(Kind::LeaseLost(lost))) = stream.receive().await else { panic!("a refusal") };
    assert_eq!(lost.attempt, assign.attempt);
    let task = fixture.task(id).await;
    assert_eq!((task.state, task.next_line), (TaskState::Failed, i64::try_from(most * batch.len() + 1).unwrap()));
    assert!(task.ending.unwrap().contains("exceeds the output limit"));
    // The next task starts with a new count.
    let again = fixture.submit("true").await;
    let assign = stream.assigned().await;
    stream.print(&assign, 1, &["hi"]);
    assert!(matches!(stream.receive().await, Ok(Some(Kind::LinesAck(_)))));
    stream.finish(runner.finished(&assign, "hi\n"));
    assert!(matches!(stream.receive().await, Ok(Some(Kind::FinishedAck(_)))));
    assert_eq!(fixture.task(again).await.state, TaskState::Succeeded);
}

#[tokio::test]
async fn unknown_or_unexpected_messages_end_the_stream() {
    let fixture = Fixture::start().await;
    let runner = fixture.runner("builder").await;
    let mut stream = runner.connect(1, &[]).await;
    stream.send_unknown_kind();
    assert_eq!(stream.receive().await.unwrap_err().code(), Code::InvalidArgument);

    let mut stream = runner.open_stream().await.unwrap();
    stream.send(runner_message::Kind::Heartbeat(Heartbeat { sequence: 1, active: vec![], load: None }));
    assert_eq!(stream.receive().await.unwrap_err().code(), Code::FailedPrecondition);

    let mut stream = runner.connect(1, &[]).await;
    let id = TaskId(Uuid::nil());
    let attempt = Some(Attempt { task: id.0.as_bytes().to_vec().into(), attempt: 0 });
    stream.send(runner_message::Kind::Started(wire::v1::Started { attempt, started_at: 0 }));
    assert_eq!(stream.receive().await.unwrap_err().code(), Code::InvalidArgument);
}

//! Task dispatch to runners, and their results.

use super::fixture::Fixture;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use domain::{
    grant::Grant,
    policy::CancelTask,
    request::{InputDigest, Request},
    task::TaskState,
};
use std::time::{Duration, Instant};
use tokio::time::sleep;
use wire::v1::{FinishedAck, LinesAck, runner_message, server_message::Kind};

#[tokio::test]
async fn a_queued_task_is_pushed_with_a_grant_and_its_result_is_stored() {
    let fixture = Fixture::start().await;
    let runner = fixture.runner("builder").await;
    let mut stream = runner.connect(2, &[]).await;
    let id = fixture.submit("echo hi").await;

    let assign = stream.assigned().await;
    let grant = Grant::read(&assign.grant).unwrap();
    UnparsedPublicKey::new(&ED25519, &runner.grant_key).verify(&grant.signed_bytes(), &assign.grant_signature).unwrap();
    grant.permits(&assign.request, id, 1, runner.id, fixture.app.store.now()).unwrap();
    assert_eq!((grant.tenant, grant.consent.decisions.len()), (fixture.tenant, 0));
    let request = Request::read(&assign.request).unwrap();
    assert_eq!(request.script_sha256, InputDigest::of(&assign.script));
    assert_eq!(fixture.task(id).await.state, TaskState::Assigned);

    stream.started(&assign);
    stream.print(&assign, 1, &["hi"]);
    let Ok(Some(Kind::LinesAck(LinesAck { next_line, .. }))) = stream.receive().await else {
        panic!("an acknowledgement")
    };
    assert_eq!((next_line, fixture.task(id).await.state), (2, TaskState::Running));
    // Resent lines are stored once.
    stream.print(&assign, 1, &["hi", "there"]);
    let Ok(Some(Kind::LinesAck(LinesAck { next_line, .. }))) = stream.receive().await else {
        panic!("an acknowledgement")
    };
    assert_eq!(next_line, 3);
    let finished = runner.finished(&assign, "hi\nthere\n");
    for _ in 0..2 {
        stream.finish(finished.clone());
        let Ok(Some(Kind::FinishedAck(FinishedAck { attempt }))) = stream.receive().await else {
            panic!("an acknowledgement")
        };
        assert_eq!(attempt, assign.attempt);
    }
    let task = fixture.task(id).await;
    assert_eq!(task.state, TaskState::Succeeded);
    assert_eq!(server::receipts::check(&task), Some(true), "S-14");
    let log = fixture.app.store.read(&fixture.mia).await.unwrap().log(id, 1, 1).await.unwrap();
    let texts: Vec<_> = log.lines.iter().map(|(number, line)| (*number, line.text.as_str())).collect();
    assert_eq!(texts, [(1, "hi"), (2, "there")]);
}

#[tokio::test]
async fn a_runner_gets_as_many_tasks_as_it_has_free_slots() {
    let fixture = Fixture::start().await;
    for _ in 0..3 {
        fixture.submit("true").await;
    }
    let runner = fixture.runner("builder").await;
    let mut stream = runner.connect(2, &[]).await;
    let (first, _second) = (stream.assigned().await, stream.assigned().await);
    assert!(stream.is_quiet().await);
    stream.finish(runner.finished(&first, ""));
    assert!(matches!(stream.receive().await, Ok(Some(Kind::FinishedAck(_)))));
    stream.assigned().await;
}

#[tokio::test]
async fn a_cancellation_is_pushed_once() {
    let fixture = Fixture::start().await;
    let runner = fixture.runner("builder").await;
    let mut stream = runner.connect(2, &[]).await;
    let id = fixture.submit("sleep 100").await;
    let assign = stream.assigned().await;
    stream.started(&assign);
    let owner = fixture.mia.person().unwrap();
    let proof = fixture.mia.may(CancelTask { task: id, owner, organization: fixture.ops }).unwrap();
    let mut write = fixture.app.store.write(&fixture.mia).await.unwrap();
    write.cancel_task(proof).await.unwrap();
    write.commit().await.unwrap();
    let Ok(Some(Kind::Cancel(cancel))) = stream.receive().await else { panic!("a cancellation") };
    assert_eq!(cancel.attempt, assign.attempt);
    fixture.submit("true").await;
    stream.assigned().await;
    assert!(stream.is_quiet().await);
}

#[tokio::test]
async fn a_task_refused_by_a_full_runner_is_assigned_to_another() {
    let fixture = Fixture::start().await;
    let (full, other) = (fixture.runner("full").await, fixture.runner("other").await);
    let mut first = full.connect(1, &[]).await;
    let id = fixture.submit("true").await;
    let assign = first.assigned().await;
    let mut second = other.connect(1, &[]).await;
    let refused = wire::v1::Refused { attempt: assign.attempt.clone(), reason: "no slot".into(), elsewhere: true };
    first.send(runner_message::Kind::Refused(refused));
    let again = second.assigned().await;
    assert_eq!((again.attempt.unwrap().attempt, fixture.task(id).await.attempt), (2, 2));
}

/// A full runner reports the most free slots: without a backoff it would use up all attempts at once.
#[tokio::test]
async fn a_full_runner_gets_tasks_again_after_a_backoff_and_the_last_refusal_is_the_reason() {
    let fixture = Fixture::start().await;
    let mut stream = fixture.runner("full").await.connect(1, &[]).await;
    let (id, began) = (fixture.submit("true").await, Instant::now());
    for number in 1..=3 {
        let assign = stream.assigned().await;
        assert_eq!(assign.attempt.as_ref().unwrap().attempt, number);
        assert!(began.elapsed() >= Duration::from_secs(5) * (number - 1), "{number}: {:?}", began.elapsed());
        let reason = "no room on its disk".to_owned();
        stream.send(runner_message::Kind::Refused(wire::v1::Refused {
            attempt: assign.attempt,
            reason,
            elsewhere: true,
        }));
    }
    let ended = async {
        while !fixture.task(id).await.state.is_final() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended).await.unwrap();
    let task = fixture.task(id).await;
    assert!(task.state == TaskState::Failed && task.ending.unwrap().contains("no room on its disk"));
}

#[tokio::test]
async fn a_refusal_fails_the_task_with_its_reason() {
    let fixture = Fixture::start().await;
    let runner = fixture.runner("builder").await;
    let mut stream = runner.connect(1, &[]).await;
    let id = fixture.submit("true").await;
    let assign = stream.assigned().await;
    let reason = "script: is not the approved script".to_owned();
    stream.send(runner_message::Kind::Refused(wire::v1::Refused { attempt: assign.attempt, reason, elsewhere: false }));
    let mut task = fixture.task(id).await;
    for _ in 0..50 {
        if task.state.is_final() {
            break;
        }
        sleep(Duration::from_millis(20)).await;
        task = fixture.task(id).await;
    }
    assert_eq!(task.state, TaskState::Failed);
    assert!(task.ending.unwrap().contains("is not the approved script"));
}

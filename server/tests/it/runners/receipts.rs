//! Receipts of a rogue runner: it holds the lease and signs with its own key, and states what cannot be.

use super::fixture::{Fixture, RunnerStream, TestRunner};
use domain::{
    Timestamp,
    log::MAX_LINES,
    receipt::{End, Receipt},
    request::OutputDigest,
    task::TaskState,
};
use serde_json::{Value, json};
use std::time::Duration;
use wire::v1::{Assign, Finished, server_message::Kind};

const OUTPUT: &str = "one\ntwo\n";

/// Runs a task that prints [`OUTPUT`], and sends this end of it.
async fn end_with(
    fixture: &Fixture,
    stream: &mut RunnerStream,
    end: impl FnOnce(&Assign) -> Finished,
) -> (TaskState, String) {
    let id = fixture.submit("true").await;
    let assign = stream.assigned().await;
    stream.started(&assign);
    stream.print(&assign, 1, &["one", "two"]);
    assert!(matches!(stream.receive().await, Ok(Some(Kind::LinesAck(_)))));
    stream.finish(end(&assign));
    let answer = stream.receive().await;
    assert!(matches!(answer, Ok(Some(Kind::FinishedAck(_)))), "{answer:?}");
    let task = fixture.task(id).await;
    (task.state, task.ending.unwrap_or_default())
}

/// S-14: each statement is refused with a reason that people and the audit log see.
#[tokio::test]
async fn s_14_impossible_statements_of_a_rogue_runner_are_refused() {
    let fixture = Fixture::start().await;
    let rogue = fixture.runner("rogue").await;
    let mut stream = rogue.connect(1, &[]).await;
    type Lie = fn(Receipt) -> Receipt;
    let lies: [(Lie, &str); 16] = [
        (|receipt| Receipt { end: End::Exited(256), ..receipt }, "states exit status 256"),
        (|receipt| Receipt { end: End::Exited(-1), ..receipt }, "states exit status -1"),
        (|receipt| Receipt { end: End::Exited(i32::MIN), ..receipt }, "states exit status -2147483648"),
        (|receipt| Receipt { end: End::Signaled(0), ..receipt }, "states signal 0"),
        (|receipt| Receipt { end: End::Signaled(65), ..receipt }, "states signal 65"),
        (|receipt| Receipt { end: End::NotStarted("x".repeat(9_000)), ..receipt }, "says too much"),
        (|receipt| Receipt { ended_at: Timestamp(receipt.started_at.0 - 1), ..receipt }, "an end before the start"),
        (|receipt| Receipt { started_at: Timestamp(0), ..receipt }, "a start before the task was queued"),
        (|receipt| Receipt { ended_at: receipt.ended_at.after(Duration::from_hours(25)), ..receipt }, "in the future"),
        (|receipt| Receipt { ended_at: Timestamp(253_402_300_799_000_000), ..receipt }, "in the future"),
        // A time that RFC 3339 cannot express is written as the epoch.
        (|receipt| Receipt { ended_at: Timestamp(i64::MAX), ..receipt }, "an end before the start"),
        (|receipt| Receipt { output: OutputDigest([0; 32]), ..receipt }, "a digest that is not that of the output"),
        (|receipt| Receipt { output: OutputDigest::of(b""), ..receipt }, "a digest that is not that of the output"),
        (|receipt| Receipt { output_bytes: 0, ..receipt }, "states 0 bytes of output, too few"),
        (|receipt| Receipt { output_bytes: 1 << 50, ..receipt }, "more than were sent"),
        (|receipt| Receipt { output_lines: MAX_LINES + 2, ..receipt }, "more than are kept"),
    ];
    for (number, (lie, reason)) in lies.into_iter().enumerate() {
        let end = |assign: &Assign| rogue.signed(assign, &lie(rogue.receipt(assign, OUTPUT)));
        let (state, ending) = end_with(&fixture, &mut stream, end).await;
        assert_eq!(state, TaskState::Failed, "{reason}");
        assert!(ending.contains("Its runner's receipt ") && ending.contains(reason), "{reason}: {ending}");
        assert_eq!(fixture.recorded("task.refuse").await, number + 1, "{reason}");
    }
    // The same runner can still tell the truth.
    let end = |assign: &Assign| rogue.finished(assign, OUTPUT);
    assert_eq!(end_with(&fixture, &mut stream, end).await.0, TaskState::Succeeded);
}

/// Returns a receipt with one field replaced, in canonical JSON, and signed by its runner.
fn with_field(runner: &TestRunner, assign: &Assign, field: &str, value: &Value) -> Finished {
    let receipt = runner.receipt(assign, OUTPUT);
    let mut json: Value = serde_json::from_slice(&receipt.canonical()).unwrap();
    json[field] = value.clone();
    Finished { receipt: json.to_string().into(), ..runner.signed(assign, &receipt) }
}

/// S-14: values that the types of a receipt exclude.
#[tokio::test]
async fn s_14_values_that_are_no_receipt_are_refused() {
    let fixture = Fixture::start().await;
    let rogue = fixture.runner("rogue").await;
    let mut stream = rogue.connect(1, &[]).await;
    for (field, value) in [
        ("output", json!("")),
        ("output", json!("00")),
        ("output", json!("g".repeat(64))),
        ("output", json!("A".repeat(64))),
        ("output", json!("0".repeat(66))),
        ("output", Value::Null),
        ("request", json!("0".repeat(63))),
        ("output_bytes", json!(-1)),
        ("output_bytes", json!(1.5)),
        ("output_bytes", json!("8")),
        ("output_lines", json!(-1)),
        ("end", json!({ "exited": 3_000_000_000_u32 })),
        ("end", json!({ "exited": 0.5 })),
        ("end", json!({ "exited": null })),
        ("end", json!("succeeded")),
        ("started_at", json!("yesterday")),
        ("ended_at", json!("2026-02-30T00:00:00Z")),
        ("ended_at", json!(1e300)),
        ("attempt", json!(-1)),
        ("approved", json!(true)),
    ] {
        let end = |assign: &Assign| with_field(&rogue, assign, field, &value);
        let (state, ending) = end_with(&fixture, &mut stream, end).await;
        assert_eq!(state, TaskState::Failed, "{field}: {value}");
        assert!(ending.contains("is not a receipt in its canonical form"), "{field}: {value}: {ending}");
    }
}

//! Fault tolerance: lost connections, servers and runners lose nothing and run nothing twice.

use crate::deployment::{Deployment, attempt_of, eventually};
use domain::succession::CHECKPOINTS;
use runner::clock;
use std::time::{Duration, Instant};
use uuid::Uuid;
use wire::v1::{Checkpoint, Reject, runner_message::Kind, server_message};

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_loses_no_line_and_no_receipt() {
    let deployment = Deployment::open().await;
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.greet(deployment.grant_key(), 30).await;
    stream.assign(deployment.assignment(7, 1, "for i in $(seq 1 40); do echo line $i; sleep 0.05; done")).await;
    let mut lines = Vec::new();
    for part in [5, 15, 25] {
        stream.lines(7, 1, &mut lines, part).await;
        // The server has lost these lines.
        lines.truncate(part - 3);
        drop(stream);
        stream = deployment.server.next_stream().await;
        let hello = stream.greet(deployment.grant_key(), 30).await;
        assert_eq!(hello.held.len(), 1);
        assert_eq!(hello.held[0].attempt, attempt_of(7, 1));
        stream.lines_ack(7, 1, u64::try_from(lines.len()).unwrap() + 1).await;
    }
    let first = stream.rest(7, 1, &mut lines).await;
    let expected: Vec<String> = (1..=40).map(|number| format!("line {number}")).collect();
    assert_eq!(lines, expected);

    // The receipt was not acknowledged before the connection broke, so it is sent again unchanged.
    drop(stream);
    let mut stream = deployment.server.next_stream().await;
    assert!(stream.greet(deployment.grant_key(), 30).await.held[0].finished);
    stream.lines_ack(7, 1, 41).await;
    let mut none = lines.clone();
    assert_eq!(stream.rest(7, 1, &mut none).await, first);
    stream.finished_ack(7, 1).await;
    deployment.empties("spool").await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_survives_the_runner_and_running_attempts_are_not_held() {
    let deployment = Deployment::open().await;
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.greet(deployment.grant_key(), 30).await;
    stream.assign(deployment.assignment(7, 1, "echo done")).await;
    let mut lines = Vec::new();
    let (receipt, _) = stream.rest(7, 1, &mut lines).await;
    let running = deployment.assignment(8, 1, "echo here; sleep 100");
    stream.assign(running.clone()).await;
    stream.started().await;
    worker.stop().await;

    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    let hello = stream.greet(deployment.grant_key(), 30).await;
    assert_eq!(hello.held.len(), 1, "only the ended attempt is held");
    assert_eq!((hello.held[0].attempt.clone(), hello.held[0].finished), (attempt_of(7, 1), true));
    stream.lines_ack(7, 1, 1).await;
    let mut again = Vec::new();
    assert_eq!(stream.rest(7, 1, &mut again).await.0, receipt);
    assert_eq!(again, ["done"]);

    // A replay of the assignment: an attempt never starts twice.
    stream.assign(running).await;
    loop {
        match stream.next_message().await {
            Some(Kind::Refused(refused)) => {
                break assert!(refused.reason.contains("already started"), "{}", refused.reason);
            }
            Some(Kind::Finished(_)) => {} // repeated until acknowledged
            other => panic!("{other:?} instead of a refusal"),
        }
    }
    worker.stop().await;
}

/// If the disk loses output, the attempt is abandoned; otherwise the server would request the missing lines forever.
#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_with_lost_output_is_abandoned_and_the_others_continue() {
    let deployment = Deployment::open().await;
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.greet(deployment.grant_key(), 30).await;
    let nap = nap(3624);
    stream.assign(deployment.assignment(7, 1, &format!("echo here; {nap}"))).await;
    stream.lines(7, 1, &mut Vec::new(), 1).await;
    eventually("it runs", || sleepers(&nap) > 0).await;
    let file = deployment.folder().join(format!("spool/{}.1/lines", Uuid::from_u128(7)));
    std::fs::OpenOptions::new().write(true).open(file).unwrap().set_len(0).unwrap();
    drop(stream);

    let mut stream = deployment.server.next_stream().await;
    assert_eq!(stream.greet(deployment.grant_key(), 30).await.held.len(), 1, "the damage is not detected yet");
    stream.assign(deployment.assignment(8, 1, "sleep 2; echo other")).await;
    stream.lines_ack(7, 1, 1).await;
    eventually("it is killed", || sleepers(&nap) == 0).await;
    let mut lines = Vec::new();
    stream.rest(8, 1, &mut lines).await;
    assert_eq!(lines, ["other"]);
    assert_eq!(stream.active, [attempt_of(8, 1).unwrap()], "no heartbeat renews the lease of the abandoned attempt");
    stream.assign(deployment.assignment(7, 2, "echo again")).await;
    let mut lines = Vec::new();
    stream.rest(7, 2, &mut lines).await;
    assert_eq!(lines, ["again"]);
    worker.stop().await;
}

/// A power failure between a receipt and its lines must not end every later stream.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_whose_lines_are_lost_is_deleted_at_the_next_start() {
    let deployment = Deployment::open().await;
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.greet(deployment.grant_key(), 30).await;
    for task in [7, 8] {
        stream.assign(deployment.assignment(task, 1, "echo done")).await;
        stream.rest(task, 1, &mut Vec::new()).await;
    }
    worker.stop().await;
    let file = deployment.folder().join(format!("spool/{}.1/lines", Uuid::from_u128(7)));
    std::fs::OpenOptions::new().write(true).open(file).unwrap().set_len(0).unwrap();

    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    let held = stream.greet(deployment.grant_key(), 30).await.held;
    assert_eq!(held.into_iter().map(|held| held.attempt).collect::<Vec<_>>(), [attempt_of(8, 1)]);
    stream.lines_ack(8, 1, 1).await;
    let mut lines = Vec::new();
    stream.rest(8, 1, &mut lines).await;
    assert_eq!(lines, ["done"]);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_lease_kills_the_task_and_ends_its_messages() {
    let deployment = Deployment::open().await;
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.greet(deployment.grant_key(), 30).await;
    let nap = nap(3625);
    let script = format!("trap '' TERM; {nap} & echo here; while true; do sleep 0.1; echo more; done");
    stream.assign(deployment.assignment(7, 1, &script)).await;
    stream.lines(7, 1, &mut Vec::new(), 1).await;
    eventually("it runs", || sleepers(&nap) == 1).await;
    stream.lease_lost(7, 1).await;
    let lost = Instant::now();
    eventually("it is killed", || sleepers(&nap) == 0).await;
    assert!(
        lost.elapsed() < Duration::from_secs(4),
        "a lost attempt is killed without a grace period: {:?}",
        lost.elapsed()
    );
    // Another task follows; the runner sends nothing more about the first one.
    stream.assign(deployment.assignment(8, 1, "sleep 1; echo other")).await;
    let mut messages = 0;
    loop {
        match stream.next_message().await.unwrap() {
            Kind::Lines(lines) if lines.attempt == attempt_of(7, 1) => {
                assert_eq!(messages, 0, "a message about a lost lease")
            }
            Kind::Finished(finished) => break assert_eq!(finished.attempt, attempt_of(8, 1)),
            _ => messages += 1,
        }
    }
    worker.stop().await;
}

/// A server whose clock jumps past the end of a lease assigns a task again that runs here, while the earlier attempt
/// holds the only slot.
#[tokio::test(flavor = "multi_thread")]
async fn a_reassigned_task_starts_in_the_slot_of_its_earlier_attempt_after_its_end() {
    let deployment = Deployment::open().await;
    let worker = deployment.work_with(1).await;
    let mut stream = deployment.server.next_stream().await;
    stream.greet(deployment.grant_key(), 30).await;
    let nap = nap(3623);
    stream.assign(deployment.assignment(7, 1, &format!("trap '' TERM; echo here; {nap}"))).await;
    stream.lines(7, 1, &mut Vec::new(), 1).await;
    let watched = nap.clone();
    let watch = std::thread::spawn(move || {
        let (began, mut most) = (Instant::now(), 0);
        while began.elapsed() < Duration::from_secs(2) {
            most = most.max(sleepers(&watched));
            std::thread::sleep(Duration::from_millis(5));
        }
        most
    });
    // The same attempt again is refused, and the running one continues.
    stream.assign(deployment.assignment(7, 1, "echo once more")).await;
    let refused = stream.refused().await;
    assert!(refused.reason.contains("already started") && !refused.elsewhere, "{}", refused.reason);
    eventually("it still runs", || sleepers(&nap) == 1).await;

    stream.assign(deployment.assignment(7, 2, &format!("echo again; {nap}"))).await;
    let mut kept = Vec::new();
    stream.lines(7, 2, &mut kept, 1).await;
    assert_eq!(kept, ["again"]);
    assert_eq!(watch.join().unwrap(), 1, "never two at once");
    // There is no slot for another task.
    stream.assign(deployment.assignment(8, 1, "true")).await;
    assert!(stream.refused().await.elsewhere, "another runner may have a slot");
    worker.stop().await;
    assert_eq!(sleepers(&nap), 0);
    assert!(deployment.is_empty("spool"));
}

/// Returns a command that sleeps longer than any test, with a unique command line.
fn nap(seconds: u32) -> String {
    format!("sleep {seconds}.{:07}", std::process::id())
}

/// Returns the number of processes that run this command.
fn sleepers(nap: &str) -> usize {
    let lines = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| std::fs::read(entry.path().join("cmdline")));
    let words = nap.replace(' ', "\0");
    lines.flatten().filter(|line| line.starts_with(words.as_bytes())).count()
}

/// Fencing on the runner: when the server reassigns a task, it no longer runs here.
#[tokio::test(flavor = "multi_thread")]
async fn a_disconnected_runner_stops_its_tasks_before_the_lease_ends() {
    let deployment = Deployment::open().await;
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.greet(deployment.grant_key(), 5).await;
    let nap = nap(3626);
    stream.assign(deployment.assignment(7, 1, &format!("{nap} & while true; do sleep 0.1; echo alive; done"))).await;
    stream.started().await;
    eventually("it runs", || sleepers(&nap) == 1).await;
    stream.alive = false;
    let silent = Instant::now();
    while stream.next_message().await.is_some() {}
    eventually("it is killed", || sleepers(&nap) == 0).await;
    assert!(silent.elapsed() < Duration::from_secs(5), "{:?}", silent.elapsed());
    let mut stream = deployment.server.next_stream().await;
    assert!(stream.greet(deployment.grant_key(), 5).await.held.is_empty());
    worker.stop().await;
    assert!(deployment.is_empty("spool"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_runner_stops_every_task_and_backs_off() {
    let deployment = Deployment::open().await;
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.greet(deployment.grant_key(), 30).await;
    let nap = nap(3627);
    stream.assign(deployment.assignment(7, 1, &nap)).await;
    stream.started().await;
    eventually("it runs", || sleepers(&nap) == 1).await;
    stream.send(server_message::Kind::Reject(Reject { reason: "revoked".into() })).await;
    while stream.next_message().await.is_some() {}
    eventually("it is killed", || sleepers(&nap) == 0).await;
    assert!(deployment.server.is_quiet().await, "the runner waits before it reconnects");
    let mut stream = deployment.server.next_stream().await;
    assert!(stream.greet(deployment.grant_key(), 30).await.held.is_empty());
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_another_grant_key_is_rejected() {
    let deployment = Deployment::open().await;
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.greet([3; 32], 30).await;
    stream.assign(deployment.assignment(7, 1, "true")).await;
    assert_eq!(stream.next_message().await, None, "the runner sends nothing to another server");
    worker.stop().await;
    assert!(deployment.is_empty("started"));
}

/// X1, X5: the runner follows the grant key through two rotations that it missed, and never back.
#[tokio::test(flavor = "multi_thread")]
async fn x1_a_successor_of_the_grant_key_is_accepted_and_the_keys_before_it_are_not() {
    let mut deployment = Deployment::open().await;
    let first = (deployment.grant_key(), deployment.assignment(6, 1, "echo old"));
    let other_purpose = deployment.succession(CHECKPOINTS, 21);
    let (one, second) = (deployment.replace_grant_key(21), deployment.grant_key());
    let (two, third) = (deployment.replace_grant_key(22), deployment.grant_key());
    // Not signed by the pinned key, a missing link, and a chain that does not end in the key of the server.
    for (successions, key) in [
        (vec![two.clone()], third),
        (vec![], second),
        (vec![other_purpose], second),
        (vec![one.clone(), two.clone()], second),
        (vec![one.clone()], third),
    ] {
        let worker = deployment.work().await;
        let mut stream = deployment.server.next_stream().await;
        stream.grant_successions = successions;
        stream.greet(key, 30).await;
        stream.assign(deployment.assignment(7, 1, "true")).await;
        assert_eq!(stream.next_message().await, None, "the runner sends nothing to such a server");
        worker.stop().await;
    }
    assert!(deployment.is_empty("started"));

    for task in [7, 8] {
        let worker = deployment.work().await;
        let mut stream = deployment.server.next_stream().await;
        stream.grant_successions = vec![one.clone(), two.clone()];
        stream.greet(third, 30).await;
        // A grant of the first key, as by somebody who has a copy of it.
        stream.assign(first.1.clone()).await;
        let refused = stream.next_message().await;
        let Some(Kind::Refused(refused)) = refused else { panic!("{refused:?}") };
        assert!(refused.reason.contains("not signed by the server"), "{refused:?}");
        stream.assign(deployment.assignment(task, 1, "echo new")).await;
        let mut lines = vec![];
        stream.rest(task, 1, &mut lines).await;
        assert_eq!(lines, ["new"]);
        stream.finished_ack(task, 1).await;
        deployment.empties("spool").await;
        worker.stop().await;
    }
    // A server with a former key, and another successor of the first key than the accepted one.
    let mut thief = Deployment::open().await;
    let (fork, forked) = (thief.replace_grant_key(23), thief.grant_key());
    for (successions, key) in
        [(vec![], first.0), (vec![one.clone()], second), (vec![fork.clone()], forked), (vec![fork], third)]
    {
        let worker = deployment.work().await;
        let mut stream = deployment.server.next_stream().await;
        stream.grant_successions = successions;
        stream.greet(key, 30).await;
        assert_eq!(stream.next_message().await, None, "the runner does not go back");
        worker.stop().await;
    }
}

/// X5: the runner remembers the head of the audit log across restarts, and works for no server whose log is smaller or another.
#[tokio::test(flavor = "multi_thread")]
async fn x5_a_server_with_a_smaller_or_different_audit_log_is_rejected() {
    let deployment = Deployment::open().await;
    let seen = deployment.checkpoint(10, 1);
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.checkpoint = deployment.checkpoint(9, 1);
    assert_eq!(stream.greet(deployment.grant_key(), 30).await.checkpoint, "", "nothing was seen yet");
    stream.send(server_message::Kind::Checkpoint(Checkpoint { note: seen.clone() })).await;
    eventually("it is on disk", || deployment.remembered() == seen).await;
    worker.stop().await;
    for other in
        [String::new(), deployment.checkpoint(9, 1), deployment.checkpoint(10, 2), seen.replace("\n10\n", "\n11\n")]
    {
        let worker = deployment.work().await;
        let mut stream = deployment.server.next_stream().await;
        stream.checkpoint.clone_from(&other);
        assert_eq!(stream.greet(deployment.grant_key(), 30).await.checkpoint, seen);
        stream.assign(deployment.assignment(7, 1, "true")).await;
        assert_eq!(stream.next_message().await, None, "the runner sends nothing to such a server: {other}");
        worker.stop().await;
        assert_eq!(deployment.remembered(), seen);
    }
    assert!(deployment.is_empty("started"));
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.checkpoint.clone_from(&seen);
    stream.greet(deployment.grant_key(), 30).await;
    stream.send(server_message::Kind::Checkpoint(Checkpoint { note: deployment.checkpoint(8, 1) })).await;
    while stream.next_message().await.is_some() {}
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_another_authority_is_rejected() {
    let (deployment, other) = (Deployment::open().await, Deployment::open().await);
    let identity = std::fs::read_to_string(deployment.folder().join("identity.json")).unwrap();
    std::fs::write(deployment.folder().join("identity.json"), identity.replace(&deployment.port(), &other.port()))
        .unwrap();
    let worker = deployment.work().await;
    assert!(other.server.is_quiet().await);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_message_ends_the_stream() {
    let deployment = Deployment::open().await;
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.greet(deployment.grant_key(), 30).await;
    stream.send_unknown_message().await;
    while stream.next_message().await.is_some() {}
    deployment.server.next_stream().await;
    worker.stop().await;
}

/// Grants expire by the server's clock: an offset of two hours or a clock change must not fail a task.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_offset_does_not_refuse_grants() {
    let two_hours = Duration::from_secs(7_200);
    let deployment = Deployment::open().await;
    let worker = deployment.work().await;
    for (task, server) in [(7, clock::now().after(two_hours)), (8, clock::now().before(two_hours))] {
        let mut stream = deployment.server.next_stream().await;
        stream.greet_at(deployment.grant_key(), 30, server).await;
        stream.assign(deployment.assignment_at(task, 1, "echo done", server)).await;
        let mut lines = vec![];
        stream.rest(task, 1, &mut lines).await;
        assert_eq!(lines, ["done"]);
        stream.finished_ack(task, 1).await;
        // The server's clock jumps back: its new grants have expired by the clock of its greeting.
        stream.assign(deployment.assignment_at(task + 10, 1, "echo done", server.before(two_hours))).await;
        assert!(stream.next_message().await.is_none(), "the runner reconnects");
    }
    let mut stream = deployment.server.next_stream().await;
    assert!(stream.greet(deployment.grant_key(), 30).await.held.is_empty(), "no attempt was started");
    stream.assign(deployment.assignment(7, 2, "echo again")).await;
    let mut lines = vec![];
    stream.rest(7, 2, &mut lines).await;
    assert_eq!(lines, ["again"]);
    worker.stop().await;
}

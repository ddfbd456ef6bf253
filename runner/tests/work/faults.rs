//! What happens when a connection, a server or a runner goes away: nothing is lost, nothing runs twice.

use std::time::{Duration, Instant};

use uuid::Uuid;
use wire::v1::{Reject, runner_message::Kind, server_message};

use crate::site::{Site, attempt_of, eventually};
use runner::clock;

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_loses_no_line_and_no_receipt() {
    let site = Site::open().await;
    let worker = site.work().await;
    let mut call = site.desk.call().await;
    call.greet(site.grant_key(), 30).await;
    call.assign(site.assignment(7, 1, "for i in $(seq 1 40); do echo line $i; sleep 0.05; done")).await;
    let mut lines = Vec::new();
    for part in [5, 15, 25] {
        call.lines(7, 1, &mut lines, part).await;
        // These were sent and never arrived, as far as the server remembers.
        lines.truncate(part - 3);
        drop(call);
        call = site.desk.call().await;
        let hello = call.greet(site.grant_key(), 30).await;
        assert_eq!(hello.held.len(), 1);
        assert_eq!(hello.held[0].attempt, attempt_of(7, 1));
        call.lines_ack(7, 1, u64::try_from(lines.len()).unwrap() + 1).await;
    }
    let first = call.rest(7, 1, &mut lines).await;
    let expected: Vec<String> = (1..=40).map(|number| format!("line {number}")).collect();
    assert_eq!(lines, expected);

    // The receipt was not acknowledged before the connection broke: it comes again, the same.
    drop(call);
    let mut call = site.desk.call().await;
    assert!(call.greet(site.grant_key(), 30).await.held[0].finished);
    call.lines_ack(7, 1, 41).await;
    let mut none = lines.clone();
    assert_eq!(call.rest(7, 1, &mut none).await, first);
    call.finished_ack(7, 1).await;
    site.empties("spool").await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_survives_the_runner_and_what_ran_is_not_held() {
    let site = Site::open().await;
    let worker = site.work().await;
    let mut call = site.desk.call().await;
    call.greet(site.grant_key(), 30).await;
    call.assign(site.assignment(7, 1, "echo done")).await;
    let mut lines = Vec::new();
    let (receipt, _) = call.rest(7, 1, &mut lines).await;
    let running = site.assignment(8, 1, "echo here; sleep 100");
    call.assign(running.clone()).await;
    call.started().await;
    worker.stop().await;

    let worker = site.work().await;
    let mut call = site.desk.call().await;
    let hello = call.greet(site.grant_key(), 30).await;
    assert_eq!(hello.held.len(), 1, "only what ended is held");
    assert_eq!((hello.held[0].attempt.clone(), hello.held[0].finished), (attempt_of(7, 1), true));
    call.lines_ack(7, 1, 1).await;
    let mut again = Vec::new();
    assert_eq!(call.rest(7, 1, &mut again).await.0, receipt);
    assert_eq!(again, ["done"]);

    // The same assignment once more, as somebody who recorded it might send it: it is never begun twice.
    call.assign(running).await;
    loop {
        match call.hear().await {
            Some(Kind::Refused(refused)) => break assert!(refused.reason.contains("before"), "{}", refused.reason),
            Some(Kind::Finished(_)) => {} // still reminding
            other => panic!("{other:?} instead of a refusal"),
        }
    }
    worker.stop().await;
}

/// As when the disk loses what it took: the server would ask for ever for lines that nobody has.
#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_whose_output_is_lost_is_given_up_and_the_others_go_on() {
    let site = Site::open().await;
    let worker = site.work().await;
    let mut call = site.desk.call().await;
    call.greet(site.grant_key(), 30).await;
    let nap = nap(3624);
    call.assign(site.assignment(7, 1, &format!("echo here; {nap}"))).await;
    call.lines(7, 1, &mut Vec::new(), 1).await;
    eventually("it runs", || sleepers(&nap) > 0).await;
    let file = site.folder().join(format!("spool/{}.1/lines", Uuid::from_u128(7)));
    std::fs::OpenOptions::new().write(true).open(file).unwrap().set_len(0).unwrap();
    drop(call);

    let mut call = site.desk.call().await;
    assert_eq!(call.greet(site.grant_key(), 30).await.held.len(), 1, "nobody has looked yet");
    call.assign(site.assignment(8, 1, "sleep 2; echo other")).await;
    call.lines_ack(7, 1, 1).await;
    eventually("it is killed", || sleepers(&nap) == 0).await;
    let mut lines = Vec::new();
    call.rest(8, 1, &mut lines).await;
    assert_eq!(lines, ["other"]);
    assert_eq!(call.active, [attempt_of(8, 1).unwrap()], "no heartbeat renews the lease of what was given up");
    call.assign(site.assignment(7, 2, "echo again")).await;
    let mut lines = Vec::new();
    call.rest(7, 2, &mut lines).await;
    assert_eq!(lines, ["again"]);
    worker.stop().await;
}

/// A power cut between a receipt and its lines: the stream is not ended for it again and again.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_whose_lines_are_lost_is_given_up_at_the_next_start() {
    let site = Site::open().await;
    let worker = site.work().await;
    let mut call = site.desk.call().await;
    call.greet(site.grant_key(), 30).await;
    for task in [7, 8] {
        call.assign(site.assignment(task, 1, "echo done")).await;
        call.rest(task, 1, &mut Vec::new()).await;
    }
    worker.stop().await;
    let file = site.folder().join(format!("spool/{}.1/lines", Uuid::from_u128(7)));
    std::fs::OpenOptions::new().write(true).open(file).unwrap().set_len(0).unwrap();

    let worker = site.work().await;
    let mut call = site.desk.call().await;
    let held = call.greet(site.grant_key(), 30).await.held;
    assert_eq!(held.into_iter().map(|held| held.attempt).collect::<Vec<_>>(), [attempt_of(8, 1)]);
    call.lines_ack(8, 1, 1).await;
    let mut lines = Vec::new();
    call.rest(8, 1, &mut lines).await;
    assert_eq!(lines, ["done"]);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_lease_kills_at_once_and_says_no_more() {
    let site = Site::open().await;
    let worker = site.work().await;
    let mut call = site.desk.call().await;
    call.greet(site.grant_key(), 30).await;
    let nap = nap(3625);
    let script = format!("trap '' TERM; {nap} & echo here; while true; do sleep 0.1; echo more; done");
    call.assign(site.assignment(7, 1, &script)).await;
    call.lines(7, 1, &mut Vec::new(), 1).await;
    eventually("it runs", || sleepers(&nap) == 1).await;
    call.lease_lost(7, 1).await;
    let lost = Instant::now();
    eventually("it is killed", || sleepers(&nap) == 0).await;
    assert!(lost.elapsed() < Duration::from_secs(4), "nobody waits for what is no longer ours: {:?}", lost.elapsed());
    // Another task follows; of the first not a word comes after its first.
    call.assign(site.assignment(8, 1, "sleep 1; echo other")).await;
    let mut heard = 0;
    loop {
        match call.hear().await.unwrap() {
            Kind::Lines(lines) if lines.attempt == attempt_of(7, 1) => assert_eq!(heard, 0, "a word of a lost lease"),
            Kind::Finished(finished) => break assert_eq!(finished.attempt, attempt_of(8, 1)),
            _ => heard += 1,
        }
    }
    worker.stop().await;
}

/// As when the server's clock jumps over the end of a lease: it assigns anew what runs here. The one slot is then held
/// by the earlier attempt itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_assigned_anew_begins_in_the_slot_of_its_earlier_attempt_when_that_is_gone() {
    let site = Site::open().await;
    let worker = site.work_with(1).await;
    let mut call = site.desk.call().await;
    call.greet(site.grant_key(), 30).await;
    let nap = nap(3623);
    call.assign(site.assignment(7, 1, &format!("trap '' TERM; echo here; {nap}"))).await;
    call.lines(7, 1, &mut Vec::new(), 1).await;
    let watched = nap.clone();
    let watch = std::thread::spawn(move || {
        let (began, mut most) = (Instant::now(), 0);
        while began.elapsed() < Duration::from_secs(2) {
            most = most.max(sleepers(&watched));
            std::thread::sleep(Duration::from_millis(5));
        }
        most
    });
    // The same once more is no other attempt: it is refused, and what runs is left alone.
    call.assign(site.assignment(7, 1, "echo once more")).await;
    let refused = call.refused().await;
    assert!(refused.reason.contains("before") && !refused.elsewhere, "{}", refused.reason);
    eventually("it still runs", || sleepers(&nap) == 1).await;

    call.assign(site.assignment(7, 2, &format!("echo again; {nap}"))).await;
    let mut kept = Vec::new();
    call.lines(7, 2, &mut kept, 1).await;
    assert_eq!(kept, ["again"]);
    assert_eq!(watch.join().unwrap(), 1, "never two at once");
    // Another task finds no slot.
    call.assign(site.assignment(8, 1, "true")).await;
    assert!(call.refused().await.elsewhere, "another runner may have a slot");
    worker.stop().await;
    assert_eq!(sleepers(&nap), 0);
    assert!(site.is_empty("spool"));
}

/// A command that sleeps for longer than any test, and by whose words this program's own are found.
fn nap(seconds: u32) -> String {
    format!("sleep {seconds}.{:07}", std::process::id())
}

/// How many processes run this command.
fn sleepers(nap: &str) -> usize {
    let lines = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| std::fs::read(entry.path().join("cmdline")));
    let words = nap.replace(' ', "\0");
    lines.flatten().filter(|line| line.starts_with(words.as_bytes())).count()
}

/// The other half of fencing: by the time the server gives the task to somebody else, it does not run here any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_runner_that_hears_nothing_stops_its_tasks_before_the_lease_ends() {
    let site = Site::open().await;
    let worker = site.work().await;
    let mut call = site.desk.call().await;
    call.greet(site.grant_key(), 5).await;
    let nap = nap(3626);
    call.assign(site.assignment(7, 1, &format!("{nap} & while true; do sleep 0.1; echo alive; done"))).await;
    call.started().await;
    eventually("it runs", || sleepers(&nap) == 1).await;
    call.alive = false;
    let silent = Instant::now();
    while call.hear().await.is_some() {}
    eventually("it is killed", || sleepers(&nap) == 0).await;
    assert!(silent.elapsed() < Duration::from_secs(5), "{:?}", silent.elapsed());
    let mut call = site.desk.call().await;
    assert!(call.greet(site.grant_key(), 5).await.held.is_empty());
    worker.stop().await;
    assert!(site.is_empty("spool"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_runner_stops_everything_and_keeps_its_distance() {
    let site = Site::open().await;
    let worker = site.work().await;
    let mut call = site.desk.call().await;
    call.greet(site.grant_key(), 30).await;
    let nap = nap(3627);
    call.assign(site.assignment(7, 1, &nap)).await;
    call.started().await;
    eventually("it runs", || sleepers(&nap) == 1).await;
    call.say(server_message::Kind::Reject(Reject { reason: "revoked".into() })).await;
    while call.hear().await.is_some() {}
    eventually("it is killed", || sleepers(&nap) == 0).await;
    assert!(site.desk.is_quiet().await, "it does not come back at once");
    let mut call = site.desk.call().await;
    assert!(call.greet(site.grant_key(), 30).await.held.is_empty());
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_another_key_for_grants_gets_nothing_done() {
    let site = Site::open().await;
    let worker = site.work().await;
    let mut call = site.desk.call().await;
    call.greet([3; 32], 30).await;
    call.assign(site.assignment(7, 1, "true")).await;
    assert_eq!(call.hear().await, None, "not a word to a stranger");
    worker.stop().await;
    assert!(site.is_empty("begun"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_another_authority_is_not_spoken_to() {
    let (site, other) = (Site::open().await, Site::open().await);
    let identity = std::fs::read_to_string(site.folder().join("identity.json")).unwrap();
    std::fs::write(site.folder().join("identity.json"), identity.replace(&site.port(), &other.port())).unwrap();
    let worker = site.work().await;
    assert!(other.desk.is_quiet().await);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_is_not_known_ends_the_stream() {
    let site = Site::open().await;
    let worker = site.work().await;
    let mut call = site.desk.call().await;
    call.greet(site.grant_key(), 30).await;
    call.say_nothing_known().await;
    while call.hear().await.is_some() {}
    site.desk.call().await;
    worker.stop().await;
}

/// A grant expires by the server's clock: two hours between the two machines, or a clock that jumps, cost no task.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_not_the_servers_refuses_nothing() {
    let two_hours = Duration::from_secs(7_200);
    let site = Site::open().await;
    let worker = site.work().await;
    for (task, server) in [(7, clock::now().after(two_hours)), (8, clock::now().before(two_hours))] {
        let mut call = site.desk.call().await;
        call.greet_at(site.grant_key(), 30, server).await;
        call.assign(site.assignment_at(task, 1, "echo done", server)).await;
        let mut lines = vec![];
        call.rest(task, 1, &mut lines).await;
        assert_eq!(lines, ["done"]);
        call.finished_ack(task, 1).await;
        // The server's clock jumps back: what it grants now is over by the time that the runner was told.
        call.assign(site.assignment_at(task + 10, 1, "echo done", server.before(two_hours))).await;
        assert!(call.hear().await.is_none(), "it greets anew");
    }
    let mut call = site.desk.call().await;
    assert!(call.greet(site.grant_key(), 30).await.held.is_empty(), "nothing was begun");
    call.assign(site.assignment(7, 2, "echo again")).await;
    let mut lines = vec![];
    call.rest(7, 2, &mut lines).await;
    assert_eq!(lines, ["again"]);
    worker.stop().await;
}

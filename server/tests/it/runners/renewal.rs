//! S-05: another certificate over the connection that stands: in time, for the same runner, and for nobody who is revoked.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use domain::task::TaskState;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384};
use tonic::Code;
use wire::v1::{Heartbeat, Renew, runner_message, server_message::Kind};

use super::house::{Call, House, Worker};

/// A house whose first runner enrolled 61 days ago: 29 days are left.
async fn old_house() -> (House, Worker) {
    let days = Arc::new(AtomicI64::new(-61));
    let house = House::open_at(Arc::clone(&days)).await;
    let worker = house.runner("builder").await;
    days.store(0, Ordering::SeqCst);
    (house, worker)
}

fn request() -> (KeyPair, Renew) {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let csr = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    (key, Renew { csr })
}

/// Whether the next heartbeat is answered with the wish that the runner renews.
async fn is_due(call: &mut Call) -> bool {
    call.say(runner_message::Kind::Heartbeat(Heartbeat { sequence: 1, ..Heartbeat::default() }));
    loop {
        match call.hear().await {
            Ok(Some(Kind::HeartbeatAck(ack))) => return ack.renew,
            Ok(Some(Kind::LinesAck(_))) => {} // where a task that it held goes on
            other => panic!("{other:?} instead of an acknowledgement"),
        }
    }
}

async fn renewed(call: &mut Call) -> (KeyPair, String) {
    let (key, renew) = request();
    call.say(runner_message::Kind::Renew(renew));
    match call.hear().await {
        Ok(Some(Kind::Renewed(renewed))) => (key, renewed.certificate),
        other => panic!("{other:?} instead of a certificate"),
    }
}

/// How a stream ends that asks for what it may not have.
async fn refused(call: &mut Call, renew: Renew) -> Code {
    call.say(runner_message::Kind::Renew(renew));
    loop {
        match call.hear().await {
            Ok(Some(Kind::Renewed(_))) => panic!("a certificate"),
            // Told of it before it asked.
            Ok(Some(Kind::Reject(_))) => return Code::PermissionDenied,
            Ok(Some(_)) => {}
            Ok(None) => panic!("it ends without a word"),
            Err(status) => return status.code(),
        }
    }
}

async fn turned_away(worker: &Worker) -> Option<Code> {
    worker.call().await.err().map(|status| status.code())
}

#[tokio::test]
async fn s_05_both_certificates_count_until_the_new_one_is_shown_and_the_task_goes_on() {
    let (house, worker) = old_house().await;
    let mut call = worker.work(1, &[]).await;
    let task = house.submit("true").await;
    let assign = call.assigned().await;
    call.started(&assign);
    assert!(is_due(&mut call).await);
    let (key, certificate) = renewed(&mut call).await;
    // The answer may be lost, and the runner killed: what it showed before lets it in as long as nothing else was shown.
    drop(call);
    let again = worker.work(1, &[&assign]).await;
    drop(again);
    let new = worker.showing(&certificate, &key);
    let mut call = new.work(1, &[&assign]).await;
    assert!(!is_due(&mut call).await, "90 days are left");
    assert_eq!(turned_away(&worker).await, Some(Code::PermissionDenied), "the old one is void");
    call.print(&assign, 1, &["hello"]);
    call.finish(new.finished(&assign, "hello\n"));
    loop {
        if let Some(Kind::FinishedAck(_)) = call.hear().await.unwrap() {
            break;
        }
    }
    let done = house.task(task).await;
    assert_eq!((done.state, done.attempt), (TaskState::Succeeded, 1), "no attempt was lost");
    // The same runner, and no other.
    let runners = house.app.store.read(&house.console).await.unwrap().runners().await.unwrap();
    assert_eq!((runners.len(), runners[0].id), (1, worker.id));
    assert!(runners[0].expires_at > house.app.store.now().after(std::time::Duration::from_hours(89 * 24)));
}

#[tokio::test]
async fn s_05_asked_twice_only_the_last_certificate_counts() {
    let (_house, worker) = old_house().await;
    let mut call = worker.work(1, &[]).await;
    let (first_key, first) = renewed(&mut call).await;
    let (key, certificate) = renewed(&mut call).await;
    assert_eq!(turned_away(&worker.showing(&first, &first_key)).await, Some(Code::PermissionDenied));
    assert_eq!(turned_away(&worker).await, None, "the old one still counts");
    worker.showing(&certificate, &key).work(1, &[]).await;
    assert_eq!(turned_away(&worker).await, Some(Code::PermissionDenied));
}

#[tokio::test]
async fn s_05_a_certificate_with_30_days_left_is_not_renewed() {
    let days = Arc::new(AtomicI64::new(-59));
    let house = House::open_at(Arc::clone(&days)).await;
    let worker = house.runner("builder").await;
    days.store(0, Ordering::SeqCst);
    let mut call = worker.work(1, &[]).await;
    assert!(!is_due(&mut call).await);
    assert_eq!(refused(&mut call, request().1).await, Code::FailedPrecondition);
    assert_eq!(turned_away(&worker).await, None);
}

/// S-13.
#[tokio::test]
async fn s_05_a_revoked_runner_renews_nothing_and_what_it_was_issued_is_void() {
    let (house, worker) = old_house().await;
    let mut call = worker.work(1, &[]).await;
    let (key, certificate) = renewed(&mut call).await;
    house.revoke(worker.id).await;
    assert_eq!(refused(&mut call, request().1).await, Code::PermissionDenied);
    for worker in [&worker, &worker.showing(&certificate, &key)] {
        assert_eq!(turned_away(worker).await, Some(Code::PermissionDenied));
    }
}

#[tokio::test]
async fn s_05_what_is_no_request_changes_nothing() {
    let (_house, worker) = old_house().await;
    let weak = KeyPair::generate().unwrap(); // P-256
    let weak = CertificateParams::default().serialize_request(&weak).unwrap().pem().unwrap();
    for csr in [String::new(), "nonsense".into(), weak] {
        let mut call = worker.work(1, &[]).await;
        assert_eq!(refused(&mut call, Renew { csr }).await, Code::InvalidArgument);
    }
    assert_eq!(turned_away(&worker).await, None);
}

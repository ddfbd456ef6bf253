//! Certificate renewal over an open connection (S-05).

use super::fixture::{Fixture, RunnerStream, TestRunner};
use domain::task::TaskState;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use tonic::Code;
use wire::v1::{Heartbeat, Renew, runner_message, server_message::Kind};

/// Starts a deployment with a runner whose certificate expires in 29 days.
async fn fixture_with_expiring_certificate() -> (Fixture, TestRunner) {
    let days = Arc::new(AtomicI64::new(-61));
    let fixture = Fixture::start_with_clock_offset(Arc::clone(&days)).await;
    let runner = fixture.runner("builder").await;
    days.store(0, Ordering::SeqCst);
    (fixture, runner)
}

fn request() -> (KeyPair, Renew) {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let csr = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    (key, Renew { csr })
}

/// Returns whether the next heartbeat acknowledgment asks the runner to renew.
async fn is_renewal_due(stream: &mut RunnerStream) -> bool {
    stream.send(runner_message::Kind::Heartbeat(Heartbeat { sequence: 1, ..Heartbeat::default() }));
    loop {
        match stream.receive().await {
            Ok(Some(Kind::HeartbeatAck(ack))) => return ack.renew,
            Ok(Some(Kind::LinesAck(_))) => {} // the position at which a held task continues
            other => panic!("{other:?} instead of an acknowledgement"),
        }
    }
}

async fn renew(stream: &mut RunnerStream) -> (KeyPair, String) {
    let (key, renew) = request();
    stream.send(runner_message::Kind::Renew(renew));
    match stream.receive().await {
        Ok(Some(Kind::Renewed(renew))) => (key, renew.certificate),
        other => panic!("{other:?} instead of a certificate"),
    }
}

/// Sends a renewal request that must be rejected and returns the status code that ends the stream.
async fn renewal_refusal(stream: &mut RunnerStream, renew: Renew) -> Code {
    stream.send(runner_message::Kind::Renew(renew));
    loop {
        match stream.receive().await {
            Ok(Some(Kind::Renewed(_))) => panic!("a certificate"),
            // The server may reject the runner before it reads the request.
            Ok(Some(Kind::Reject(_))) => return Code::PermissionDenied,
            Ok(Some(_)) => {}
            Ok(None) => panic!("the stream ended without an error"),
            Err(status) => return status.code(),
        }
    }
}

async fn connection_refusal(runner: &TestRunner) -> Option<Code> {
    runner.open_stream().await.err().map(|status| status.code())
}

#[tokio::test]
async fn s_05_both_certificates_are_valid_until_the_new_one_is_used() {
    let (fixture, runner) = fixture_with_expiring_certificate().await;
    let mut stream = runner.connect(1, &[]).await;
    let task = fixture.submit("true").await;
    let assign = stream.assigned().await;
    stream.started(&assign);
    assert!(is_renewal_due(&mut stream).await);
    let (key, certificate) = renew(&mut stream).await;
    // The old certificate stays valid until the new one is used, because the response may be lost.
    drop(stream);
    let again = runner.connect(1, &[&assign]).await;
    drop(again);
    let new = runner.with_certificate(&certificate, &key);
    let mut stream = new.connect(1, &[&assign]).await;
    assert!(!is_renewal_due(&mut stream).await, "90 days are left");
    assert_eq!(connection_refusal(&runner).await, Some(Code::PermissionDenied), "the old certificate is invalid");
    stream.print(&assign, 1, &["hello"]);
    stream.finish(new.finished(&assign, "hello\n"));
    loop {
        if let Some(Kind::FinishedAck(_)) = stream.receive().await.unwrap() {
            break;
        }
    }
    let done = fixture.task(task).await;
    assert_eq!((done.state, done.attempt), (TaskState::Succeeded, 1), "no attempt was lost");
    // The runner keeps its identity.
    let runners = fixture.app.store.read(&fixture.console).await.unwrap().runners().await.unwrap();
    assert_eq!((runners.len(), runners[0].id), (1, runner.id));
    assert!(runners[0].expires_at > fixture.app.store.now().after(std::time::Duration::from_hours(89 * 24)));
}

#[tokio::test]
async fn s_05_only_the_last_renewed_certificate_is_valid() {
    let (_fixture, runner) = fixture_with_expiring_certificate().await;
    let mut stream = runner.connect(1, &[]).await;
    let (first_key, first) = renew(&mut stream).await;
    let (key, certificate) = renew(&mut stream).await;
    assert_eq!(connection_refusal(&runner.with_certificate(&first, &first_key)).await, Some(Code::PermissionDenied));
    assert_eq!(connection_refusal(&runner).await, None, "the old certificate is still valid");
    runner.with_certificate(&certificate, &key).connect(1, &[]).await;
    assert_eq!(connection_refusal(&runner).await, Some(Code::PermissionDenied));
}

#[tokio::test]
async fn s_05_a_certificate_with_30_days_left_is_not_renewed() {
    let days = Arc::new(AtomicI64::new(-59));
    let fixture = Fixture::start_with_clock_offset(Arc::clone(&days)).await;
    let runner = fixture.runner("builder").await;
    days.store(0, Ordering::SeqCst);
    let mut stream = runner.connect(1, &[]).await;
    assert!(!is_renewal_due(&mut stream).await);
    assert_eq!(renewal_refusal(&mut stream, request().1).await, Code::FailedPrecondition);
    assert_eq!(connection_refusal(&runner).await, None);
}

/// S-13.
#[tokio::test]
async fn s_05_a_revoked_runner_cannot_renew_and_its_certificates_are_invalid() {
    let (fixture, runner) = fixture_with_expiring_certificate().await;
    let mut stream = runner.connect(1, &[]).await;
    let (key, certificate) = renew(&mut stream).await;
    fixture.revoke(runner.id).await;
    assert_eq!(renewal_refusal(&mut stream, request().1).await, Code::PermissionDenied);
    for runner in [&runner, &runner.with_certificate(&certificate, &key)] {
        assert_eq!(connection_refusal(runner).await, Some(Code::PermissionDenied));
    }
}

#[tokio::test]
async fn s_05_an_invalid_renewal_changes_nothing() {
    let (_fixture, runner) = fixture_with_expiring_certificate().await;
    let weak = KeyPair::generate().unwrap(); // P-256
    let weak = CertificateParams::default().serialize_request(&weak).unwrap().pem().unwrap();
    for csr in [String::new(), "nonsense".into(), weak] {
        let mut stream = runner.connect(1, &[]).await;
        assert_eq!(renewal_refusal(&mut stream, Renew { csr }).await, Code::InvalidArgument);
    }
    assert_eq!(connection_refusal(&runner).await, None);
}

//! Certificate renewal (S-05) over the open connection while a task runs.

use crate::{deployment::Deployment, fake_server::RunnerStream};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_ASN1, UnparsedPublicKey};
use serde_json::Value;
use std::fs;
use wire::v1::{Renewed, runner_message::Kind, server_message};

async fn request(stream: &mut RunnerStream) -> String {
    loop {
        match stream.next_message().await {
            Some(Kind::Renew(renew)) => return renew.csr,
            Some(Kind::Started(_) | Kind::Lines(_)) => {}
            other => panic!("{other:?} instead of a request for a certificate"),
        }
    }
}

fn identity(deployment: &Deployment) -> Value {
    serde_json::from_slice(&fs::read(deployment.folder().join("identity.json")).unwrap()).unwrap()
}

async fn renewed(stream: &RunnerStream, certificate: String) {
    stream.send(server_message::Kind::Renewed(Renewed { certificate })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s_05_a_runner_reconnects_with_a_new_key_and_its_task_continues() {
    let deployment = Deployment::open().await;
    let enrolled = deployment.runner_key();
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.greet(deployment.grant_key(), 30).await;
    stream.assign(deployment.assignment(7, 1, "echo before; sleep 3; echo after")).await;
    stream.started().await;
    let mut lines = Vec::new();
    stream.lines(7, 1, &mut lines, 1).await;
    stream.due = true; // with the next heartbeat
    let csr = request(&mut stream).await;
    let before = identity(&deployment);
    renewed(&stream, deployment.certify(&csr)).await;

    let mut again = deployment.server.next_stream().await;
    let hello = again.greet(deployment.grant_key(), 30).await;
    assert_eq!(hello.held.len(), 1, "the task continues");
    again.lines_ack(7, 1, 2).await;
    let (receipt, signature) = again.rest(7, 1, &mut lines).await;
    assert_eq!(lines, ["before", "after"]);
    // The connection uses a new key; receipts are still signed with the enrollment key.
    let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, &enrolled);
    key.verify(&receipt.signed_bytes(), &signature).unwrap();
    let after = identity(&deployment);
    assert_ne!(after["certificate"], before["certificate"]);
    assert_eq!(after["runner"], before["runner"]);
    assert_ne!(deployment.runner_key(), enrolled);
    worker.stop().await;

    // After a restart the runner presents the new certificate, and the next renewal keeps it until it completes.
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.due = true;
    stream.greet(deployment.grant_key(), 30).await;
    let csr = request(&mut stream).await;
    assert_eq!(identity(&deployment), after);
    renewed(&stream, deployment.certify(&csr)).await;
    deployment.server.next_stream().await.greet(deployment.grant_key(), 30).await;
    assert_ne!(identity(&deployment)["connection_key"], after["connection_key"]);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s_05_a_certificate_for_another_key_changes_nothing() {
    let deployment = Deployment::open().await;
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.due = true;
    stream.greet(deployment.grant_key(), 30).await;
    let csr = request(&mut stream).await;
    let before = identity(&deployment);
    let own = before["certificate"].as_str().unwrap().to_owned();
    renewed(&stream, own).await; // for another key
    renewed(&stream, deployment.certify(&csr)).await; // for a request that is no longer pending
    request(&mut stream).await; // it requests again
    renewed(&stream, "nonsense".into()).await;
    request(&mut stream).await; // and again after the acknowledgement
    assert_eq!(identity(&deployment), before);
    // Killed before the response, the runner starts with the old certificate and requests a new one again.
    drop(stream);
    worker.stop().await;
    let worker = deployment.work().await;
    let mut stream = deployment.server.next_stream().await;
    stream.due = true;
    stream.greet(deployment.grant_key(), 30).await;
    let csr = request(&mut stream).await;
    renewed(&stream, deployment.certify(&csr)).await;
    deployment.server.next_stream().await.greet(deployment.grant_key(), 30).await;
    worker.stop().await;
}

//! S-05: another certificate over the connection that stands, while a task runs.

use std::fs;

use aws_lc_rs::signature::{ECDSA_P384_SHA384_ASN1, UnparsedPublicKey};
use serde_json::Value;
use wire::v1::{Renewed, runner_message::Kind, server_message};

use crate::{desk::Call, site::Site};

async fn request(call: &mut Call) -> String {
    loop {
        match call.hear().await {
            Some(Kind::Renew(renew)) => return renew.csr,
            Some(Kind::Started(_) | Kind::Lines(_)) => {}
            other => panic!("{other:?} instead of a request for a certificate"),
        }
    }
}

fn identity(site: &Site) -> Value {
    serde_json::from_slice(&fs::read(site.folder().join("identity.json")).unwrap()).unwrap()
}

async fn renewed(call: &Call, certificate: String) {
    call.say(server_message::Kind::Renewed(Renewed { certificate })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s_05_a_runner_comes_back_with_a_new_key_and_its_task_goes_on() {
    let site = Site::open().await;
    let enrolled = site.runner_key();
    let worker = site.work().await;
    let mut call = site.desk.call().await;
    call.greet(site.grant_key(), 30).await;
    call.assign(site.assignment(7, 1, "echo before; sleep 3; echo after")).await;
    call.started().await;
    let mut lines = Vec::new();
    call.lines(7, 1, &mut lines, 1).await;
    call.due = true; // with the next heartbeat
    let csr = request(&mut call).await;
    let before = identity(&site);
    renewed(&call, site.certify(&csr)).await;

    let mut again = site.desk.call().await;
    let hello = again.greet(site.grant_key(), 30).await;
    assert_eq!(hello.held.len(), 1, "the task goes on");
    again.lines_ack(7, 1, 2).await;
    let (receipt, signature) = again.rest(7, 1, &mut lines).await;
    assert_eq!(lines, ["before", "after"]);
    // The connection's key is another one; receipts are signed with the runner's own as ever.
    let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, &enrolled);
    key.verify(&receipt.signed_bytes(), &signature).unwrap();
    let after = identity(&site);
    assert_ne!(after["certificate"], before["certificate"]);
    assert_eq!(after["runner"], before["runner"]);
    assert_ne!(site.runner_key(), enrolled);
    worker.stop().await;

    // Started anew it shows the new one, and the next renewal leaves that alone until it is done.
    let worker = site.work().await;
    let mut call = site.desk.call().await;
    call.due = true;
    call.greet(site.grant_key(), 30).await;
    let csr = request(&mut call).await;
    assert_eq!(identity(&site), after);
    renewed(&call, site.certify(&csr)).await;
    site.desk.call().await.greet(site.grant_key(), 30).await;
    assert_ne!(identity(&site)["connection_key"], after["connection_key"]);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s_05_what_is_no_certificate_for_its_key_changes_nothing() {
    let site = Site::open().await;
    let worker = site.work().await;
    let mut call = site.desk.call().await;
    call.due = true;
    call.greet(site.grant_key(), 30).await;
    let csr = request(&mut call).await;
    let before = identity(&site);
    let own = before["certificate"].as_str().unwrap().to_owned();
    renewed(&call, own).await; // for another key
    renewed(&call, site.certify(&csr)).await; // which nobody asked for any more
    request(&mut call).await; // it asks again
    renewed(&call, "nonsense".into()).await;
    request(&mut call).await; // and again, when it has heard that
    assert_eq!(identity(&site), before);
    // Killed before the answer came, it starts as it was, and asks again.
    drop(call);
    worker.stop().await;
    let worker = site.work().await;
    let mut call = site.desk.call().await;
    call.due = true;
    call.greet(site.grant_key(), 30).await;
    let csr = request(&mut call).await;
    renewed(&call, site.certify(&csr)).await;
    site.desk.call().await.greet(site.grant_key(), 30).await;
    worker.stop().await;
}

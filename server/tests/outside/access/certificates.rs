//! Self-signed certificates and certificate reload at runtime (A-07, M-05).
use crate::{
    client::{Credential, Response},
    program::Program,
    timeouts::until,
};
use rcgen::{CertificateParams, KeyPair};
use reqwest::{Certificate, Client, redirect::Policy};
use std::{fs, path::Path};
use testkit::ADAM;

/// Returns a client that trusts only this certificate.
pub fn trusting(pem: &Path) -> Client {
    let roots = Certificate::from_pem_bundle(&fs::read(pem).unwrap()).unwrap();
    Client::builder().tls_certs_only(roots).redirect(Policy::none()).no_proxy().build().unwrap()
}

/// Writes a new certificate and its key.
fn write(folder: &Path) {
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_07_a_self_signed_certificate_is_created_on_request_and_marked() {
    let mut program = Program::sqlite();
    program.set("CASTELLAN_TLS_SELF_SIGNED", "true");
    program.tenant("acme");
    let adam = program.person(ADAM, "acme");
    program.start().await;
    assert!(program.origin.starts_with("https://"), "{}", program.origin);
    program.client = trusting(&program.data().join("self-signed.pem"));
    // The local runner trusts the same certificate.
    let task = program.submit(&adam.key, "echo over TLS").await;
    program.until_succeeded(&adam.key, &task).await;

    let response = program.try_sign_in(&adam.email, crate::people::PASSWORD, &[]).await.is(303);
    let cookies: Vec<_> = response.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    assert!(cookies.iter().all(|line| line.starts_with("__Host-") && line.contains("Secure")), "{cookies:?}");
    let session =
        cookies.iter().find(|line| line.starts_with("__Host-castellan=")).expect("signing in opens a session");
    let line = session.split(';').next().unwrap().to_owned();
    let page = Response::of(program.bare(reqwest::Method::GET, "/tasks").header("cookie", line)).await.is(200);
    assert!(page.body.contains("certificate is self-signed"), "{page}");
    assert!(program.server_log().contains("self-signed"));
    let doctor = program.run(&["doctor"], "");
    let message = String::from_utf8_lossy(&doctor.stdout);
    assert!(message.contains("self-signed certificate, valid until"), "{message}");
    assert!(message.contains("castellan migrate --from sqlite:"), "the message names the migration command: {message}");

    let before = fs::read(program.data().join("self-signed.pem")).unwrap();
    program.kill();
    program.start().await;
    assert_eq!(fs::read(program.data().join("self-signed.pem")).unwrap(), before, "the certificate is generated once");
    program.kill();
    program.set("CASTELLAN_TLS_CERTIFICATE", "/cert.pem");
    program.set("CASTELLAN_TLS_KEY", "/key.pem");
    assert!(program.startup_error().await.contains("tls.self_signed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m_05_certificates_are_reloaded_and_invalid_ones_are_ignored() {
    let mut program = Program::sqlite();
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    write(folder.path());
    program.set("CASTELLAN_TLS_CERTIFICATE", cert.to_str().unwrap());
    program.set("CASTELLAN_TLS_KEY", key.to_str().unwrap());
    program.set("CASTELLAN_METRICS_TOKEN", "sixteen-or-more-characters");
    program.tenant("acme");
    let adam = program.person(ADAM, "acme");
    program.start().await;
    program.client = trusting(&cert);
    program.get(Credential::Key(&adam.key), "/api/v1/me").await.is(200);

    write(folder.path());
    let new = trusting(&cert);
    let origin = program.origin.clone();
    until("the new certificate is shown", async || new.get(format!("{origin}/healthz")).send().await.ok()).await;
    // The open connection keeps the old certificate.
    program.get(Credential::Key(&adam.key), "/api/v1/me").await.is(200);

    fs::write(&cert, "nonsense").unwrap();
    let shows_trouble = async || {
        let figures =
            new.get(format!("{origin}/metrics")).bearer_auth("sixteen-or-more-characters").send().await.unwrap();
        figures.text().await.unwrap().contains("castellan_tls_certificate_broken 1").then_some(())
    };
    until("the metrics report the invalid certificate", shows_trouble).await;
    new.get(format!("{origin}/healthz")).send().await.unwrap();
    assert!(program.server_log().contains("the previous one stays in use"));
    let doctor = program.run(&["doctor"], "");
    assert!(!doctor.status.success() && String::from_utf8_lossy(&doctor.stdout).contains("FAIL  TLS"), "{doctor:?}");
}

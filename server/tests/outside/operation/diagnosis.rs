//! `castellan doctor`: every check runs, each with its cause and fix.
use crate::{
    client::Credential,
    mail_server::MailServer,
    people::start_with_member,
    ports::reserve_port,
    program::{Program, on_both},
    providers::fake_provider::Provider,
    timeouts::DEFAULT_TIMEOUT,
};
use serde_json::Value;
use std::{fs, os::unix::fs::PermissionsExt, time::Duration};
use tokio::time::Instant;

/// Returns the exit status and the result and text of each check.
fn doctor(program: &Program) -> (bool, Vec<(String, bool, String)>) {
    let output = program.run(&["doctor", "--json"], "");
    let data: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(data["healthy"], output.status.success(), "{data}");
    let text = |check: &Value, key: &str| check[key].as_str().unwrap().to_owned();
    let checks = data["checks"].as_array().unwrap().iter();
    (output.status.success(), checks.map(|it| (text(it, "name"), it["result"] == "ok", text(it, "text"))).collect())
}

/// Returns whether the check of this name passed, and all its texts.
fn check(checks: &[(String, bool, String)], name: &str) -> (bool, String) {
    let of_name: Vec<_> = checks.iter().filter(|check| check.0 == name).collect();
    assert!(!of_name.is_empty(), "{name}: {checks:?}");
    (of_name.iter().all(|check| check.1), of_name.iter().map(|check| check.2.as_str()).collect::<Vec<_>>().join("\n"))
}

fn provider_settings(issuer: &str) -> String {
    format!(
        "[[auth.provider]]\nid = \"acme\"\nkind = \"oidc\"\nlabel = \"Acme ID\"\nissuer = \"{issuer}\"\nclient_id = \"x\"\nclient_secret = \"y\"\n"
    )
}

on_both! {
    async fn a_08_doctor_passes_every_check_of_a_working_deployment(program) {
        let (mail, provider) = (MailServer::open().await, Provider::start().await);
        program.set("CASTELLAN_MAIL_SMTP", &mail.url);
        program.set("CASTELLAN_MAIL_FROM", "castellan@example.org");
        program.configure(&provider_settings(&provider.issuer));
        start_with_member(program).await;
        let (healthy, checks) = doctor(program);
        for name in ["configuration", "data folder", "TLS", "metrics", "database", "keys", "mail", "identity provider", "sandbox"] {
            let (passed, text) = check(&checks, name);
            assert!(passed, "{name}: {text}");
        }
        assert!(healthy, "{checks:?}");
        let text = program.cli(&["doctor"], "");
        assert!(text.contains("OK    mail: ") && text.contains("OK    identity provider: Acme ID"), "{text}");
    }

    async fn a_08_doctor_reports_every_failed_check(program) {
        let unused = reserve_port();
        program.set("CASTELLAN_MAIL_SMTP", &format!("smtp://127.0.0.1:{unused}"));
        program.set("CASTELLAN_MAIL_FROM", "castellan@example.org");
        program.configure(&provider_settings(&format!("http://127.0.0.1:{unused}")));
        start_with_member(program).await;
        program.stop(DEFAULT_TIMEOUT).await; // writes the first checkpoint
        fs::set_permissions(program.data().join("checkpoints"), fs::Permissions::from_mode(0o644)).unwrap();
        program.set("CASTELLAN_TLS_CERTIFICATE", "/nowhere/cert.pem");
        program.set("CASTELLAN_TLS_KEY", "/nowhere/key.pem");
        let (healthy, checks) = doctor(program);
        assert!(!healthy);
        for (name, fix) in [
            ("data folder", "chmod 600"), ("TLS", "/nowhere/cert.pem"), ("mail", "mail.smtp"), ("identity provider", "Acme ID"),
        ] {
            let (passed, text) = check(&checks, name);
            assert!(!passed && text.contains(fix), "{name}: {text}");
        }
        assert!(check(&checks, "database").0 && check(&checks, "keys").0, "{checks:?}");
        fs::remove_file(program.data().join("secrets/grants.pem")).unwrap();
        let (_, checks) = doctor(program);
        let (passed, text) = check(&checks, "keys");
        assert!(!passed && text.contains("secrets/grants.pem is missing"), "{text}");
        assert!(check(&checks, "database").0, "the checks continue");
    }

    /// BC-39: passkeys of another host name are counted, and the console resets the second factors of their owners.
    async fn case_bc39_passkeys_of_another_host_name_are_named_and_can_be_reset(program) {
        let mia = start_with_member(program).await;
        let browser = program.sign_in(&mia.email).await;
        program.make_passkey(&browser).await;
        assert!(check(&doctor(program).1, "passkeys").0);
        let page = program.get(Credential::Browser(&browser), "/account").await.is(200).body;
        assert!(page.contains("Phone") && !page.contains("Works only at"), "{page}");
        program.stop(DEFAULT_TIMEOUT).await;
        program.set("CASTELLAN_PUBLIC_URL", "https://castellan.example.org");
        program.set("CASTELLAN_TLS_TERMINATED_BY_PROXY", "true");
        let (passed, text) = check(&doctor(program).1, "passkeys");
        assert!(!passed && text.contains("localhost (1)") && text.contains("reset-factors"), "{text}");
        let unknown = program.run(&["admin", "reset-factors", "--user", "nobody@acme.example"], "");
        assert!(!unknown.status.success() && String::from_utf8_lossy(&unknown.stderr).contains("nobody@acme.example"));
        program.cli(&["admin", "reset-factors", "--user", &mia.email], "");
        assert!(check(&doctor(program).1, "passkeys").0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_08_doctor_reports_a_refused_database_at_once_and_continues() {
    let mut program = Program::sqlite();
    program.tenant("acme");
    program.set("CASTELLAN_DATABASE_URL", &format!("postgres://castellan@127.0.0.1:{}/castellan", reserve_port()));
    let began = Instant::now();
    let (healthy, checks) = doctor(&program);
    assert!(!healthy && began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let (passed, text) = check(&checks, "database");
    assert!(!passed && text.contains("refused") && text.contains("CASTELLAN_DATABASE_URL"), "{text}");
    check(&checks, "sandbox");
}

//! API keys: networks, expiry, rotation, bulk revocation and service accounts (M-01).
use crate::{
    client::{Credential, Response, client},
    program::{Program, on_both},
    timeouts::with_timeout,
};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use testkit::{ADAM, MAX, MIA};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m_01_a_key_works_only_from_its_networks() {
    let mut program = Program::sqlite();
    program.set("CASTELLAN_TRUSTED_PROXIES", "127.0.0.1");
    program.tenant("acme");
    let (mia, adam) = (program.person(MIA, "acme"), program.person(ADAM, "acme"));
    let words = ["admin", "create-key", "--user", &mia.email, "--name", "office", "--scopes", "tasks:read"];
    let key = program.cli(&[&words[..], &["--networks", "203.0.113.0/24, 2001:db8::/48"]].concat(), "");
    program.start().await;
    let ask = async |last: u8, forwarded: Option<&str>| {
        let request = client(last).get(format!("{}/api/v1/tasks", program.origin)).bearer_auth(&key);
        let request = match forwarded {
            Some(hops) => request.header("x-forwarded-for", hops),
            None => request,
        };
        Response::of(request).await
    };
    for (last, forwarded, status) in [
        (1, None, 403),
        (1, Some("203.0.113.9"), 200),
        (1, Some("2001:db8::7"), 200),
        (1, Some("198.51.100.1, 203.0.113.9"), 200),
        (1, Some("203.0.113.9, 198.51.100.1"), 403), // entries further left come from the client
        (2, Some("203.0.113.9"), 403),               // not from a trusted proxy
    ] {
        let response = ask(last, forwarded).await;
        assert_eq!(response.status, status, "{last} {forwarded:?}: {response}");
    }
    let refused = program.audit(&adam.key, Some("key.use")).await;
    assert_eq!(refused.len(), 1, "once a minute: {refused:?}");
    assert!(refused[0].to_string().contains(&key[..11]) && !refused[0].to_string().contains(&key));
    let wrong = program.run(&[&words[..], &["--networks", "the office"]].concat(), "");
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("192.0.2.0/24"), "{wrong:?}");
}

/// A key and a session in one request could belong to different people.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m_01_a_key_together_with_a_session_is_refused() {
    let mut program = Program::sqlite();
    program.tenant("acme");
    let mia = program.person(MIA, "acme");
    program.start().await;
    let browser = program.sign_in(&mia.email).await;
    for cookie in [browser.cookie_line(), "castellan=x".into(), "a=b; __Host-castellan=x".into()] {
        let request = program.request(Credential::Key(&mia.key), Method::GET, "/api/v1/me").header("cookie", cookie);
        Response::of(request).await.is(401);
    }
    let other = program.request(Credential::Key(&mia.key), Method::GET, "/api/v1/me").header("cookie", "proxy=1");
    Response::of(other).await.is(200);
}

on_both! {
    async fn m_01_a_key_reports_its_expiry_and_is_rotated_with_an_overlap(program) {
        program.tenant("acme");
        let mia = program.person(MIA, "acme");
        let words = ["admin", "create-key", "--user", &mia.email, "--name", "build", "--scopes", "tasks:*", "--days"];
        let [expiring, lasting] = ["13", "90"].map(|days| program.cli(&[&words[..], &[days]].concat(), ""));
        program.start().await;
        let me = program.get(Credential::Key(&expiring), "/api/v1/me").await.is(200);
        let ends = me.json()["expires_at"].as_str().unwrap()[..19].to_owned();
        assert!(me.header("castellan-key-expires").starts_with(&ends), "{me}");
        assert_eq!(me.json()["expires_soon"], true);
        let me = program.get(Credential::Key(&lasting), "/api/v1/me").await.is(200);
        assert_eq!((me.header("castellan-key-expires"), &me.json()["expires_soon"]), ("", &json!(false)));

        let browser = program.sign_in(&mia.email).await;
        let id = program.get(Credential::Key(&expiring), "/api/v1/me").await.json()["key"].as_str().unwrap().to_owned();
        let page = program.get(Credential::Browser(&browser), &format!("/keys/{id}")).await.is(200);
        assert!(page.body.contains("Expires soon") && page.body.contains("Rotate API key"), "{page}");
        let new = program.act(Credential::Browser(&browser), "keys/rotate", &[("id", &id), ("hours", "24")]).await.is(200).secret();
        for key in [&expiring, &new] {
            program.get(Credential::Key(key), "/api/v1/tasks").await.is(200);
        }
        let page = program.get(Credential::Browser(&browser), &format!("/keys/{id}")).await.is(200);
        assert!(page.body.contains("Replaced by") && page.body.contains(&new[..11]), "{page}");
        program.act(Credential::Browser(&browser), "keys/rotate", &[("id", &id), ("hours", "24")]).await.is(409);
        program.act(Credential::Browser(&browser), "keys/rotate", &[("id", &id), ("hours", "9999")]).await.is(422);

        // Revokes the selected keys, then all remaining ones.
        let fresh = |key: &str| format!("keys[]={key}");
        let of = async |key: &str| program.get(Credential::Key(key), "/api/v1/me").await.json()["key"].as_str().unwrap().to_owned();
        let body = [fresh(&id), fresh(&of(&new).await)].join("&");
        let request = program.action(Credential::Browser(&browser), "keys/revoke-selected", "application/json", &body);
        program.send(Credential::Browser(&browser), request).await.is(200);
        program.act(Credential::Browser(&browser), "keys/revoke-selected", &[]).await.is(422);
        for key in [&expiring, &new] {
            program.get(Credential::Key(key), "/api/v1/tasks").await.is(401);
        }
        program.get(Credential::Key(&lasting), "/api/v1/tasks").await.is(200);
        assert_eq!(program.cli(&["admin", "revoke-keys", "--user", &mia.email], ""), "2 keys revoked");
        program.get(Credential::Key(&lasting), "/api/v1/tasks").await.is(401);
        assert!(program.cli(&["admin", "list-keys", "--user", &mia.email], "").lines().all(|line| line.contains("revoked")));
    }

    /// M-01, M-14: changes to a key apply to its next request and to its open streams.
    async fn m_01_changed_networks_of_a_key_apply_at_once(program) {
        program.tenant("acme");
        let (mia, max, adam) =
            (program.person(MIA, "acme"), program.person(MAX, "acme"), program.person(ADAM, "acme"));
        program.start().await;
        let (hers, other, his) =
            (program.sign_in(&mia.email).await, program.sign_in(&max.email).await, program.sign_in(&adam.email).await);
        let key = program.key(&mia.email, "tasks:*");
        let id = program.get(Credential::Key(&key), "/api/v1/me").await.json()["key"].as_str().unwrap().to_owned();
        let task = program.submit(&mia.key, "echo begun; sleep 50").await;
        program.until_printed(&mia.key, &task, "begun").await;
        let mut stream = program.listen(Credential::Key(&key), &format!("/api/v1/tasks/{task}/log?follow=1")).await;
        assert!(stream.data_of_next("line").await.contains("begun"));
        let page = program.get(Credential::Browser(&hers), &format!("/keys/{id}")).await.is(200).body;
        assert!(page.contains("/actions/keys/change") && page.contains("Any network"), "{page}");

        let change = async |who, networks: &str, days: &str| {
            let fields = [("id", id.as_str()), ("name", "office"), ("networks", networks), ("days", days)];
            program.act(who, "keys/change", &fields).await
        };
        change(Credential::Browser(&other), "", "").await.is(404);
        let wrong = change(Credential::Browser(&hers), "the office", "").await.is(422);
        assert!(wrong.body.contains("is not an address or network") && wrong.body.contains("networks"), "{wrong}");
        for days in ["367", "-1", "soon"] {
            change(Credential::Browser(&hers), "", days).await.is(422);
        }
        program.get(Credential::Key(&key), "/api/v1/tasks").await.is(200);
        change(Credential::Browser(&hers), "127.0.0.9\n203.0.113.0/24", "30").await.is(200);
        program.get(Credential::Key(&key), "/api/v1/tasks").await.is(403);
        with_timeout(Duration::from_secs(5), "streams from other networks end", stream.end()).await;
        let there = client(9).get(format!("{}/api/v1/me", program.origin)).bearer_auth(&key);
        let me = Response::of(there).await.is(200);
        assert!(me.json()["expires_at"].is_string(), "{me}");
        let page = program.get(Credential::Browser(&hers), &format!("/keys/{id}")).await.is(200).body;
        assert!(page.contains("127.0.0.9/32") && page.contains("office"), "{page}");
        change(Credential::Browser(&his), "", "").await.is(200);
        program.get(Credential::Key(&key), "/api/v1/tasks").await.is(200);
        let changes = program.audit(&adam.key, Some("key.change")).await;
        assert!(changes[0].to_string().contains("203.0.113.0/24"), "the event contains the old value: {changes:?}");
        program.post(Credential::Key(&mia.key), &format!("/api/v1/tasks/{task}/cancel"), &serde_json::Value::Null).await.is(200);
    }

    async fn m_01_a_service_account_has_keys_and_cannot_sign_in(program) {
        program.tenant("acme");
        let (mia, adam) = (program.person(MIA, "acme"), program.person(ADAM, "acme"));
        let make = ["admin", "create-service-account", "--name", "Robot", "--responsible", &mia.email, "--organization", "acme"];
        let robot = program.cli(&make, "");
        let key = program.cli(&["admin", "create-key", "--user", &robot, "--name", "build", "--scopes", "tasks:*"], "");
        let more = program.run(&["admin", "create-key", "--user", &robot, "--name", "x", "--scopes", "approvals:*"], "");
        assert!(!more.status.success(), "service accounts cannot decide");
        program.start().await;
        let me = program.get(Credential::Key(&key), "/api/v1/me").await.is(200).json();
        assert_eq!((&me["service_account"], &me["person"], &me["email"]), (&json!(true), &json!(robot), &json!(null)));
        let task = program.submit(&key, "echo by robot").await;
        program.until_succeeded(&key, &task).await;
        program.try_sign_in(&format!("{robot}@service.invalid"), "", &[]).await.is(401);

        let (hers, his) = (program.sign_in(&mia.email).await, program.sign_in(&adam.email).await);
        let listed = program.get(Credential::Browser(&hers), "/keys").await.is(200);
        assert!(listed.body.contains("Robot") && listed.body.contains("service account"), "{listed}");
        let body = format!("name=deploy&scopes[]=tasks:read&days=30&owner={robot}");
        let request = program.action(Credential::Browser(&hers), "keys/create", "application/json", &body);
        program.send(Credential::Browser(&hers), request).await.is(200);
        let people = program.get(Credential::Browser(&his), "/people").await.is(200);
        assert!(!people.body.contains("service.invalid"), "{people}");
        let fields = [("name", "Second"), ("responsible", mia.email.as_str()), ("organization", ""), ("role", domain::role::Role::Owner.as_str())];
        program.act(Credential::Browser(&his), "keys/service-account", &fields).await.is(422);
        program.act(Credential::Browser(&hers), "keys/revoke-all", &[("owner", &robot)]).await.is(200);
        program.get(Credential::Key(&key), "/api/v1/tasks").await.is(401);
    }
}

/// Covers a key that is limited to one organization, and a key whose owner loses a membership.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m_01_a_key_is_limited_to_its_organization_and_its_owners_rights() {
    let mut program = Program::sqlite();
    program.tenant("acme");
    let adam = program.person(ADAM, "acme");
    let words = ["admin", "create-key", "--user", &adam.email, "--name", "one", "--scopes", "tasks:*,audit:read"];
    let mia = program.person(MIA, "acme");
    program.start().await;
    let me = program.get(Credential::Key(&adam.key), "/api/v1/me").await.is(200).json();
    let acme = me["organizations"][0]["id"].as_str().unwrap().to_owned();
    let browser = program.sign_in(&adam.email).await;
    program.act(Credential::Browser(&browser), "organizations/create", &[("name", "Lab")]).await.is(200);
    let hers = ["admin", "create-key", "--user", &mia.email, "--name", "one", "--scopes", "tasks:*"];
    let refused = program.run(&[&hers[..], &["--organization", "Lab"]].concat(), "");
    assert!(!refused.status.success(), "the owner is not a member");
    let key = program.cli(&[&words[..], &["--organization", "acme"]].concat(), "");
    let me = program.get(Credential::Key(&key), "/api/v1/me").await.is(200).json();
    assert_eq!((&me["organization"], &me["tenant_role"]), (&json!(acme), &json!("person")));
    program.get(Credential::Key(&adam.key), "/api/v1/audit").await.is(200);
    program.get(Credential::Key(&key), "/api/v1/audit").await.is(403);
    program.submit(&key, "true").await;

    program.submit(&mia.key, "true").await;
    let fields = [("organization", acme.as_str()), ("person", mia.id.as_str())];
    program.act(Credential::Browser(&browser), "organizations/remove-member", &fields).await.is(200);
    let body = json!({ "script": "true", "organization": acme });
    program.post(Credential::Key(&mia.key), "/api/v1/tasks", &body).await.is(403);
    let hers = program.sign_in(&mia.email).await;
    let more = "name=k&scopes[]=tasks:submit&days=1";
    let request = program.action(Credential::Browser(&hers), "keys/create", "application/json", more);
    let refused = program.send(Credential::Browser(&hers), request).await.is(422);
    assert!(refused.body.contains("tasks:submit exceeds"), "{refused}");
}

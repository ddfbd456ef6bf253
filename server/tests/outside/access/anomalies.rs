//! Anomalies and security events, from the request to the page and the log (N-06, K-05).
use crate::{
    client::{Credential, Response, form},
    program::{Program, on_both},
    timeouts::until,
};
use serde_json::{Value, json};
use testkit::{ADAM, MIA};

/// Returns the security events of this name in the JSON log.
fn security_events(program: &Program, event: &str) -> Vec<Value> {
    let lines = program.server_log();
    let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.map(|line| line["fields"].clone()).filter(|fields| fields["event"] == event).collect()
}

on_both! {
    async fn n_06_new_networks_and_browsers_are_reported_to_owner_and_admin(program) {
        program.set("CASTELLAN_TRUSTED_PROXIES", "127.0.0.1");
        program.tenant("acme");
        let (mia, adam) = (program.person(MIA, "acme"), program.person(ADAM, "acme"));
        program.start().await;
        let admin = program.sign_in(&adam.email).await;
        let anomalies = async || program.get(Credential::Browser(&admin), "/anomalies").await.is(200).body;
        let entries = async || anomalies().await.matches("class=\"report\"").count();

        let uses = async |address: &str| {
            let request = program.client.get(format!("{}/api/v1/tasks", program.origin)).bearer_auth(&mia.key);
            Response::of(request.header("x-forwarded-for", address)).await.is(200);
        };
        for address in ["203.0.113.1", "203.0.113.200", "203.0.113.1"] {
            uses(address).await;
        }
        assert_eq!(entries().await, 0);
        assert!(anomalies().await.contains("What is detected"), "the empty list is explained");
        for address in ["198.51.100.7", "198.51.100.7", "203.0.113.1", "198.51.100.9"] {
            uses(address).await;
        }
        until("the key is on the list", async || (entries().await == 1).then_some(())).await;
        let page = anomalies().await;
        for part in ["API key used from a new network", "198.51.100.7", "198.51.100.0/24", &mia.key[..11], "/keys/", "one other network"] {
            assert!(page.contains(part), "{part} in {page}");
        }

        let signs_in = async |address: &str, device: Option<&str>| {
            let fields = form(&[("_page", "/sign-in"), ("email", &mia.email), ("password", crate::people::PASSWORD)]);
            let request = program.action(Credential::Anonymous, "login/sign-in", "text/html", &fields).header("x-forwarded-for", address);
            let response = Response::of(match device {
                Some(cookie) => request.header("cookie", cookie),
                None => request,
            });
            let response = response.await.is(303);
            let lines: Vec<_> = response.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
            let cookie = |name: &str| -> String {
                let line = lines.iter().find(|line| line.starts_with(name)).unwrap();
                line.split(';').next().unwrap().to_owned()
            };
            (cookie("castellan="), cookie("castellan-device="))
        };
        let (_, device) = signs_in("203.0.113.1", None).await;
        signs_in("203.0.113.77", Some(&device)).await;
        assert_eq!(entries().await, 1, "the first sign-in and a known browser are not reported");
        let (session, _) = signs_in("192.0.2.1", None).await;
        assert_eq!(entries().await, 2);
        let mine = crate::people::Browser::with(session.trim_start_matches("castellan="));
        let own = program.get(Credential::Browser(&mine), "/account").await.is(200).body;
        assert!(own.contains("from this browser, and the first from this network in 90 days"), "{own}");
        assert!(own.contains("href=\"/account/password\"") && own.contains("href=\"/browser-sessions\""));
        let overview = program.get(Credential::Browser(&mine), "/").await.is(200).body;
        assert!(overview.contains("New sign-in to your account from an unusual location"), "{overview}");
        assert!(!overview.contains("anomalies?reviewed=no"), "members do not see the admins' list");
        let overview = program.get(Credential::Browser(&admin), "/").await.is(200).body;
        assert!(overview.contains("2 anomalies are not reviewed"), "{overview}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n_06_password_guessing_is_reported_once_to_owner_and_admin() {
    let mut program = Program::sqlite();
    program.set("CASTELLAN_TRUSTED_PROXIES", "127.0.0.1");
    program.tenant("acme");
    let (mia, adam) = (program.person(MIA, "acme"), program.person(ADAM, "acme"));
    program.start().await;
    let admin = program.sign_in(&adam.email).await;
    for n in 1..=15 {
        // Each attempt comes from another network, so none is throttled.
        let fields = form(&[("_page", "/sign-in"), ("email", &mia.email), ("password", "not the one that it is")]);
        let request = program.action(Credential::Anonymous, "login/sign-in", "text/html", &fields);
        Response::of(request.header("x-forwarded-for", format!("198.51.{n}.1"))).await.is(401);
    }
    // Failures are recorded after the response is sent.
    let page = until("it is on the list", async || {
        let page = program.get(Credential::Browser(&admin), "/anomalies").await.is(200).body;
        page.contains("class=\"report\"").then_some(page)
    })
    .await;
    assert_eq!(page.matches("class=\"report\"").count(), 1, "{page}");
    assert!(page.contains("10 failed password or second-factor attempts within an hour, from 10 networks"), "{page}");
    let browser = program.sign_in(&mia.email).await;
    let page = program.get(Credential::Browser(&browser), "/tasks").await.is(200).body;
    assert_eq!(page.matches("Many failed sign-in attempts").count(), 1, "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k_05_repeated_failures_are_aggregated_per_address() {
    let mut program = Program::sqlite();
    program.set("CASTELLAN_LOG_FORMAT", "json");
    program.set("CASTELLAN_TRUSTED_PROXIES", "127.0.0.1");
    program.lift_rate_limits();
    program.tenant("acme");
    program.start().await;
    let tries = async |address: &str| {
        let request = program.client.get(format!("{}/api/v1/tasks", program.origin)).bearer_auth("mk_abcdefghijklmnop");
        Response::of(request.header("x-forwarded-for", address)).await.is(401);
    };
    for _ in 0..60 {
        tries("198.51.100.7").await;
    }
    tries("203.0.113.9").await;
    let from = |address: &str| {
        let lines = security_events(&program, "authentication_failure");
        lines.into_iter().filter(|line| line["source_ip"] == address).collect::<Vec<_>>()
    };
    assert_eq!((from("198.51.100.7").len(), from("203.0.113.9").len()), (5, 1));
    program.stop(crate::timeouts::DEFAULT_TIMEOUT).await;
    let lines = security_events(&program, "authentication_failure");
    let counted: u64 = lines
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line["details"].as_str()?).ok()?["more_like_this"].as_u64())
        .sum();
    assert_eq!(counted, 55, "{lines:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k_05_the_log_has_a_line_for_each_security_event_with_the_same_fields() {
    let mut program = Program::sqlite();
    program.set("CASTELLAN_LOG_FORMAT", "json");
    program.tenant("acme");
    let (mia, adam) = (program.person(MIA, "acme"), program.person(ADAM, "acme"));
    program.start().await;
    let browser = program.sign_in(&mia.email).await;
    program.try_sign_in(&mia.email, "not the one", &[]).await.is(401);
    program.try_sign_in("nobody@acme.example", "not the one", &[]).await.is(401);
    program.get(Credential::Key("mk_abcdefghijklmnop"), "/api/v1/tasks").await.is(401);
    program.act(Credential::Anonymous, "login/passkey", &[("ceremony", "none"), ("passkey", "{}")]).await.is(401);
    program.get(Credential::Key(&mia.key), "/api/v1/audit").await.is(403);
    program
        .enroll("nothing", &json!({ "name": "build-1", "version": "1", "capabilities": [], "csr": "" }))
        .await
        .is(401);
    program.act(Credential::Browser(&browser), "login/sign-out", &[]).await;
    for (event, n, parts) in [
        ("session_creation", 1, vec!["127.0.0.1", "browser_session.open", "tenant"]),
        ("session_termination", 1, vec!["127.0.0.1", "browser_session.end"]),
        (
            "authentication_failure",
            4,
            vec!["wrong password", "no account that can sign in", "mk_abcdefgh", "/actions/login/passkey", "127.0.0.1"],
        ),
        ("unauthorized_command_attempt", 1, vec![&mia.key[..11], "audit.read", "127.0.0.1"]),
        ("agent_connection_failure", 1, vec!["127.0.0.1", "/api/v1/runners/enroll", "token"]),
    ] {
        let lines =
            until(event, async || Some(security_events(&program, event)).filter(|lines| lines.len() >= n)).await;
        assert_eq!(lines.len(), n, "{event}: {lines:?}");
        let text = serde_json::to_string(&lines).unwrap();
        for part in parts {
            assert!(text.contains(part), "{part} in {text}");
        }
        for line in &lines {
            assert!(
                line["timestamp"].is_i64() && line["source_ip"].is_string() && line["details"].is_string(),
                "{line}"
            );
        }
    }
    let server_log = program.server_log();
    assert!(
        !server_log.contains("mk_abcdefghijkl")
            && !server_log.contains(&mia.key)
            && !server_log.contains("not the one"),
        "{server_log}"
    );
    let found = program
        .get(Credential::Key(&adam.key), "/api/v1/audit?event=unauthorized_command_attempt")
        .await
        .is(200)
        .json();
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["items"][0]["event"], "unauthorized_command_attempt");
    program.get(Credential::Key(&adam.key), "/api/v1/audit?event=anything").await.is(422);
}

//! Rate limits per key, person and address (K-07), and their audit events (K-05).
use crate::{
    client::{Credential, Response, client, form},
    people::PASSWORD,
    program::{Program, on_both},
    timeouts::until,
};
use reqwest::Method;
use testkit::{ADAM, MAX, MIA};

on_both! {
    async fn k_07_a_throttled_key_gets_retry_after_and_one_audit_event(program) {
        program.set("CASTELLAN_LIMITS_API_READS", "5/m");
        program.tenant("acme");
        let (mia, adam) = (program.person(MIA, "acme"), program.person(ADAM, "acme"));
        let second = program.key(&mia.email, "tasks:read");
        program.start().await;
        for left in (0..5).rev() {
            let response = program.get(Credential::Key(&mia.key), "/api/v1/tasks").await.is(200);
            assert_eq!(response.header("ratelimit-policy"), "\"api_reads\";q=5;w=60");
            assert!(response.header("ratelimit").starts_with(&format!("\"api_reads\";r={left};t=")), "{response}");
        }
        for _ in 0..3 {
            let refused = program.get(Credential::Key(&mia.key), "/api/v1/tasks?q=x").await.is(429);
            let wait: u64 = refused.header("retry-after").parse().unwrap();
            assert!((1..=12).contains(&wait), "{refused}");
            assert!(refused.header("content-type").starts_with("application/problem+json"), "{refused}");
            assert!(refused.json()["detail"].as_str().unwrap().contains(&format!("Wait {wait} s")), "{refused}");
        }
        program.get(Credential::Key(&second), "/api/v1/tasks").await.is(200);
        program.get(Credential::Key(&adam.key), "/healthz").await.is(200);
        program.submit(&mia.key, "true").await; // changes are another class

        // The event is written in the background. Reading the log counts against a limit, too.
        until("it is written", async || program.server_log().contains("event=\"rate_limit_exceeded\"").then_some(())).await;
        let records = program.audit(&adam.key, Some("rate_limit_exceeded")).await;
        assert_eq!(records.len(), 1, "one for each subject and minute: {records:?}");
        let body = records[0].to_string();
        for part in ["rate_limit_exceeded", "refused", "api_reads", "GET /api/v1/tasks", &mia.key[..11], "127.0.0.1"] {
            assert!(body.contains(part), "{part} in {body}");
        }
        assert!(!body.contains(&mia.key), "{body}");
        let server_log = program.server_log();
        assert_eq!(server_log.matches("event=\"rate_limit_exceeded\"").count(), 1, "{server_log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k_07_all_sessions_of_a_person_share_one_limit() {
    let mut program = Program::sqlite();
    program.set("CASTELLAN_LIMITS_PAGES", "3/m");
    program.tenant("acme");
    let (mia, max) = (program.person(MIA, "acme"), program.person(MAX, "acme"));
    program.start().await;
    let (one, two) = (program.sign_in(&mia.email).await, program.sign_in(&mia.email).await);
    let other = program.sign_in(&max.email).await;
    for browser in [&one, &two, &one] {
        program.get(Credential::Browser(browser), "/tasks").await.is(200);
    }
    for browser in [&one, &two] {
        let page = program.request(Credential::Browser(browser), Method::GET, "/tasks").header("accept", "text/html");
        let refused = Response::of(page).await.is(429);
        assert!(refused.body.contains("Too many requests") && refused.body.contains("try again"), "{refused}");
        assert!(refused.header("content-type").starts_with("text/html") && !refused.header("retry-after").is_empty());
    }
    program.get(Credential::Browser(&other), "/tasks").await.is(200);
    program.act(Credential::Browser(&one), "browser-sessions/end-others", &[]).await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k_07_sign_ins_are_limited_per_address() {
    let mut program = Program::sqlite();
    program.set("CASTELLAN_LIMITS_SIGN_IN", "2/m");
    program.set("CASTELLAN_LIMITS_CHANGES", "1/h");
    program.tenant("acme");
    let mia = program.person(MIA, "acme");
    program.start().await;
    let sign_in = async |last: u8| {
        let request = client(last).post(format!("{}/actions/login/sign-in", program.origin));
        let request = request.header("sec-fetch-site", "same-origin").header("accept", "application/json");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        Response::of(request.body(form(&[("email", &mia.email), ("password", PASSWORD)]))).await
    };
    sign_in(31).await.is(200);
    sign_in(31).await.is(200);
    let refused = sign_in(31).await.is(429);
    assert_eq!(refused.json()["kind"], "too_many", "a form's own refusal, which the page shows: {refused}");
    assert!(refused.header("ratelimit").starts_with("\"sign_in_by_address\";r=0;"), "{refused}");
    sign_in(32).await.is(200);
    // The limit per address is ten times the limit per person, whatever credentials are sent.
    for n in 0..12 {
        let made_up = format!("mk_{n:048}");
        let response = program.post(Credential::Key(&made_up), "/api/v1/tasks", &serde_json::Value::Null).await;
        assert_eq!(response.status, if n < 10 { 401 } else { 429 }, "{n}: {response}");
    }
}

/// A class that is `off` is not counted and sends no headers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k_07_limits_can_be_disabled_and_invalid_values_are_refused() {
    let mut program = Program::sqlite();
    program.lift_rate_limits();
    program.tenant("acme");
    let mia = program.person(MIA, "acme");
    program.start().await;
    let response = program.get(Credential::Key(&mia.key), "/api/v1/tasks").await.is(200);
    assert!(response.header("ratelimit").is_empty(), "{response}");
    program.kill();
    for bad in ["0/m", "many", "5", "5/d", "-1/s"] {
        program.set("CASTELLAN_LIMITS_PAGES", bad);
        assert!(program.startup_error().await.contains("limits.pages"), "{bad}");
    }
}

//! Account enumeration and password guessing.
use crate::{
    client::{Credential, Response, client, form},
    people::PASSWORD,
    program::{Program, on_both},
    table_lock::TableLock,
    timeouts::{DEFAULT_TIMEOUT, until, with_timeout},
};
use std::time::Duration;
use testkit::{ADAM, MAX, MIA};
use tokio::time::sleep;

impl Program {
    /// Tries to sign in from 127.0.0.`last`.
    async fn guess(&self, last: u8, email: &str, password: &str) -> Response {
        let request = client(last).post(format!("{}/actions/login/sign-in", self.origin));
        let request = request.header("sec-fetch-site", "same-origin").header("accept", "application/json");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        Response::of(request.body(form(&[("email", email), ("password", password)]))).await
    }
}

/// Status, headers and body do not reveal whether the address exists.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_and_an_unknown_address_get_the_same_response() {
    let mut program = Program::sqlite();
    program.tenant("acme");
    program.person(MIA, "acme");
    program.cli(&["admin", "create-user", "--email", "new@acme.example"], ""); // has no password yet
    program.start().await;
    let mut responses = vec![];
    for (last, email, password) in [
        (11, "mia@acme.example", "wrong wrong wrong"),
        (12, "nobody@acme.example", "wrong wrong wrong"),
        (13, "new@acme.example", ""),
        (14, "no address", PASSWORD),
    ] {
        let response = program.guess(last, email, password).await.is(401);
        let mut headers = response.headers.clone();
        headers.remove("date");
        headers.remove("x-request-id");
        headers.remove("ratelimit");
        responses.push((response.status, headers, response.body));
    }
    assert!(responses.windows(2).all(|pair| pair[0] == pair[1]), "{responses:#?}");
}

/// The response time must not reveal it either, so failures are recorded after the response is sent. Here a table lock
/// blocks the record until both responses have arrived.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k_05_a_wrong_password_is_recorded_after_the_response() {
    let mut program = Program::postgres();
    program.tenant("acme");
    program.person(MIA, "acme");
    let adam = program.person(ADAM, "acme");
    program.start().await;
    let held = TableLock::table(program.database_url().unwrap(), "audit_head");
    for (last, email) in [(15, "mia@acme.example"), (16, "nobody@acme.example")] {
        with_timeout(DEFAULT_TIMEOUT, email, program.guess(last, email, "wrong wrong wrong")).await.is(401);
    }
    drop(held);
    until("it is in the audit log", async || {
        let refused = program.audit(&adam.key, Some("browser_session.open")).await;
        refused.iter().any(|record| record.to_string().contains("wrong password")).then_some(())
    })
    .await;
}

on_both! {
    /// Pending records are written before the server exits.
    async fn k_05_pending_failures_are_recorded_at_shutdown(program) {
        program.tenant("acme");
        program.person(MIA, "acme");
        let adam = program.person(ADAM, "acme");
        program.start().await;
        for last in 17..21 {
            program.guess(last, "mia@acme.example", "wrong wrong wrong").await.is(401);
        }
        program.stop(DEFAULT_TIMEOUT).await;
        program.start().await;
        let records = program.audit(&adam.key, Some("browser_session.open")).await;
        let refused = records.iter().filter(|record| record.to_string().contains("wrong password"));
        assert_eq!(refused.count(), 4, "{records:?}");
    }
}

/// After five wrong passwords, the address is throttled for every account.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_is_throttled_per_account_and_per_address() {
    let mut program = Program::sqlite();
    program.tenant("acme");
    program.person(MIA, "acme");
    program.person(MAX, "acme");
    program.start().await;
    // Each delay is twice the last, so a long enough delay is reached on slow machines, too.
    let (mut wrong, mut free) = (0, None);
    loop {
        let response = program.guess(21, "mia@acme.example", "wrong wrong wrong").await;
        if response.status == 401 {
            wrong += 1;
            assert!(wrong < 20, "nothing slows down");
            continue;
        }
        free.get_or_insert(wrong);
        let words = response.is(429).json()["message"].as_str().unwrap().to_owned();
        let wait: Option<u32> = words.split(' ').find_map(|word| word.parse().ok());
        if wait.unwrap() >= 8 {
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    assert!(free >= Some(5), "only {free:?} tries were free");
    program.guess(21, "mia@acme.example", PASSWORD).await.is(429);
    program.guess(21, "max@acme.example", PASSWORD).await.is(429);
    program.guess(22, "mia@acme.example", PASSWORD).await.is(200); // guesses do not lock the owner out
    program.guess(22, "max@acme.example", PASSWORD).await.is(200);
}

/// Trusting `X-Forwarded-For` from everyone would give an attacker unlimited addresses.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_cannot_forge_its_address() {
    let mut program = Program::sqlite();
    program.tenant("acme");
    let mia = program.person(MIA, "acme");
    program.start().await;
    let request = program.action(
        Credential::Anonymous,
        "login/sign-in",
        "application/json",
        &form(&[("email", &mia.email), ("password", PASSWORD)]),
    );
    let response =
        Response::of(request.header("x-forwarded-for", "203.0.113.9").header("forwarded", "for=203.0.113.9")).await;
    let browser = crate::people::Browser::with(&response.is(200).cookie().unwrap());
    let page = program.get(Credential::Browser(&browser), "/browser-sessions").await.is(200);
    assert!(page.body.contains("127.0.0.1") && !page.body.contains("203.0.113.9"), "{page}");
}

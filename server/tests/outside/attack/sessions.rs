//! Session fixation, replay and races at sign-out (E11).
use crate::{
    client::{Credential, Response, form},
    people::{Browser, PASSWORD},
    program::{Program, on_both},
};
use std::time::Duration;
use testkit::{ADAM, MIA};

/// A planted cookie is replaced at sign-in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planted_session_id_is_replaced_at_sign_in() {
    let mut program = Program::sqlite();
    program.tenant("acme");
    let (mia, eve) = (program.person(MIA, "acme"), program.person_named("eve", MIA, "acme"));
    program.start().await;
    let eves = program.sign_in(&eve.email).await;
    for planted in ["AAAAAAAAAAAAAAAAAAAAAA".to_owned(), "x".into(), eves.cookie()] {
        let victim = Browser::with(&planted);
        let fields = form(&[("email", &mia.email), ("password", PASSWORD)]);
        let request = program.action(Credential::Browser(&victim), "login/sign-in", "text/html", &fields);
        let mine = Response::of(request).await.is(303).cookie().expect("a new session");
        assert_ne!(mine, planted);
        assert!(program.is_signed_in(&mine).await);
        assert!(!program.is_signed_in(&planted).await, "{planted} is accepted");
    }
}

/// K-07: the least recently used session ends beyond the limit, and the audit log says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k_07_sessions_of_a_person_are_bounded() {
    let mut program = Program::sqlite();
    program.lift_rate_limits();
    program.tenant("acme");
    let (mia, adam) = (program.person(MIA, "acme"), program.person(ADAM, "acme"));
    program.start().await;
    let (first, adams) = (program.sign_in(&mia.email).await, program.sign_in(&adam.email).await);
    let mut last = None;
    for _ in 0..50 {
        last = Some(program.sign_in(&mia.email).await);
    }
    assert!(!program.is_signed_in(&first.cookie()).await, "51 sessions are open");
    assert!(program.is_signed_in(&last.unwrap().cookie()).await && program.is_signed_in(&adams.cookie()).await);
    let ended = program.audit(&adam.key, Some("browser_session.end")).await;
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert!(ended[0].to_string().contains("too many browser sessions"), "{ended:?}");
}

/// The cookie of an ended session is invalid.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cookie_of_an_ended_session_is_invalid() {
    let mut program = Program::sqlite();
    program.tenant("acme");
    let mia = program.person(MIA, "acme");
    program.start().await;
    let (one, two) = (program.sign_in(&mia.email).await, program.sign_in(&mia.email).await);
    let response = program
        .send(Credential::Browser(&one), program.action(Credential::Browser(&one), "login/sign-out", "text/html", ""))
        .await
        .is(303);
    assert!(response.header("set-cookie").contains("Max-Age=0"), "{response}");
    assert!(!program.is_signed_in(&one.cookie()).await);
    assert!(program.is_signed_in(&two.cookie()).await, "the other session continues");
    let three = program.sign_in(&mia.email).await;
    program.act(Credential::Browser(&three), "browser-sessions/end-others", &[]).await.is(200);
    assert!(!program.is_signed_in(&two.cookie()).await);
    for path in ["/live?topics=tasks", "/tasks/01900000-0000-7000-8000-000000000000/log"] {
        program.get(Credential::Browser(&two), path).await.is(401);
    }
}

on_both! {
    /// E11: a request in flight while its session ends does not revive it, also when a change of rights issues a new
    /// session id. Runs 500 times with different delays.
    async fn trap_e11_a_request_in_flight_does_not_revive_a_session(program) {
        program.tenant("acme");
        let (adam, mia) = (program.person(ADAM, "acme"), program.person(MIA, "acme"));
        program.lift_rate_limits();
        program.start().await;
        let admin = program.sign_in(&adam.email).await;
        for round in 0..500_u64 {
            let browser = program.sign_in(&mia.email).await;
            if round % 2 == 0 {
                let fields = [("id", mia.id.as_str()), ("tenant_role", domain::role::TenantRole::Person.as_str())];
                program.act(Credential::Browser(&admin), "people/tenant-role", &fields).await.is(200);
            }
            // Copies, so that the original cookie stays unchanged.
            let (flying, leaving) = (Browser::with(&browser.cookie()), Browser::with(&browser.cookie()));
            let page = async {
                after(Duration::from_micros(round * 8)).await;
                program.get(Credential::Browser(&flying), "/browser-sessions").await
            };
            let out = async {
                after(Duration::from_millis(2)).await;
                program.act(Credential::Browser(&leaving), "login/sign-out", &[]).await.is(200)
            };
            let (page, out) = tokio::join!(page, out);
            let cookies =
                [Some(browser.cookie()), Some(flying.cookie()), Some(leaving.cookie()), page.cookie(), out.cookie()];
            for cookie in cookies.into_iter().flatten() {
                assert!(!program.is_signed_in(&cookie).await, "round {round}: a session was not ended");
            }
        }
    }
}

/// Waits more precisely than the runtime's millisecond timer.
async fn after(span: Duration) {
    tokio::task::spawn_blocking(move || std::thread::sleep(span)).await.unwrap();
}

/// A session's id changes with the rights of its person, and the old id is invalid afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cookie_changes_when_rights_change() {
    let mut program = Program::sqlite();
    program.tenant("acme");
    let (adam, mia) = (program.person(ADAM, "acme"), program.person(MIA, "acme"));
    program.start().await;
    let (admin, browser) = (program.sign_in(&adam.email).await, program.sign_in(&mia.email).await);
    let before = browser.cookie();
    program.get(Credential::Browser(&browser), "/people").await.is(404);
    let fields = [("id", mia.id.as_str()), ("tenant_role", domain::role::TenantRole::Auditor.as_str())];
    program.act(Credential::Browser(&admin), "people/tenant-role", &fields).await.is(200);
    program.get(Credential::Browser(&browser), "/people").await.is(200);
    assert_ne!(browser.cookie(), before);
    program.get(Credential::Browser(&browser), "/people").await.is(200);
}

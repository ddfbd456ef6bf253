//! Partial sessions, before the second factor, have no access to any route (M-14).
use super::{
    fixture::{Caller, Fixture},
    table::WALLS,
};
use crate::{
    client::{Credential, client},
    html,
    people::Browser,
    program::{Program, on_both},
};
use std::time::{SystemTime, UNIX_EPOCH};
use testkit::ADAM;

/// Routes that respond differently to a partial session, because they complete it.
const PARTIAL_SESSION_ROUTES: [&str; 8] = [
    "page GET /sign-in",
    "page GET /second-factor",
    "page GET /authenticator",
    "action POST /actions/factors/show",
    "action POST /actions/factors/offer-totp",
    "action POST /actions/factors/confirm-totp",
    "action POST /actions/factors/ask-passkey",
    "action POST /actions/login/sign-in",
];

#[expect(clippy::disallowed_methods, reason = "the server under test uses the machine's clock")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Sets up an authenticator app for the signed-in person.
async fn enroll(program: &Program, who: Credential<'_>) {
    program.act(who, "factors/offer-totp", &[]).await.is(200);
    let page = program.get(who, "/authenticator").await.is(200).body;
    let secret = totp_rs::Secret::try_from_base32(html::totp_secret(&page)).unwrap();
    let app = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    program.act(who, "factors/confirm-totp", &[("code", &app.generate(now()).to_string())]).await.is(200);
}

async fn attack(program: &Program, fixture: &Fixture, half: Browser) {
    let caller = Caller::with_browser_only("halfway", client(40), half);
    let mut wrong = vec![];
    for row in WALLS {
        if matches!(row.kind(), "api" | "enrollment" | "provider")
            || PARTIAL_SESSION_ROUTES.contains(&row.route)
            || row.route.ends_with("sign-out")
        {
            continue;
        }
        let fill = |text| fixture.fill(text, caller.name, |_| None);
        let request = row.request(program, &caller, &fill(row.path), &fill(row.body), "application/json");
        let response = row.send(program, &caller, request).await;
        if response.status != row.statuses.nobody {
            wrong.push(format!("{} {}: {response}", row.route, row.path));
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "a partial session has access:\n{}", wrong.join("\n"));
}

on_both! {
    async fn m_14_a_partial_session_has_no_access_to_any_route(program) {
        let fixture = Fixture::create(program).await;
        let harry = program.person_named("harry", ADAM, "acme");
        let whole = program.sign_in(&harry.email).await;
        enroll(program, Credential::Browser(&whole)).await;
        program.get(Credential::Browser(&whole), "/people").await.is(200);
        // One person has not shown their factor; the other must set one up.
        attack(program, &fixture, program.sign_in(&harry.email).await).await;
        let member = Browser::with(&program.sign_in("member@acme.example").await.cookie());
        program.get(Credential::Browser(&member), "/browser-sessions").await.is(200);
        program.act(Credential::Browser(&whole), "factors/policy", &[("who", "everybody")]).await.is(200);
        attack(program, &fixture, member).await;
        program.get(Credential::Browser(&whole), "/people").await.is(200);
    }
}

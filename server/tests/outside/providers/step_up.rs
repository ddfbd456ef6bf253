//! Step-up authentication after a sign-in with an old provider session (A-02, M-14).
#![expect(clippy::disallowed_methods, reason = "the server under test uses the machine's clock")]

use super::{
    DOMAIN,
    fake_provider::{Behavior, Provider, in_seconds},
    with_providers,
};
use crate::{
    client::{Credential, Response},
    html,
    people::Browser,
    program::Program,
};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// Returns claims with an `auth_time` of yesterday.
fn yesterday(more: &Value) -> Behavior {
    let mut claims = json!({ "auth_time": in_seconds(-86_400) });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Behavior { claims, ..Behavior::default() }
}

async fn deployment(second_factor: &str) -> (Program, Provider) {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    program.set("CASTELLAN_AUTH_SECOND_FACTOR", second_factor);
    with_providers(&mut program, &[("acme", &provider)], "", DOMAIN).await;
    (program, provider)
}

/// An authenticator app.
struct App(totp_rs::Totp);

impl App {
    /// Returns the code that the app shows `steps` time steps from now.
    fn code(&self, steps: u64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        self.0.generate(now + steps * 30).to_string()
    }
}

impl Program {
    /// Sets up an authenticator app in the browser's current session.
    async fn set_up_app(&self, browser: &Browser) -> App {
        let who = Credential::Browser(browser);
        self.act(who, "factors/offer-totp", &[]).await.is(200);
        let page = self.get(who, "/authenticator").await.is(200).body;
        let secret = totp_rs::Secret::try_from_base32(html::totp_secret(&page)).unwrap();
        let app = App(totp_rs::Builder::new().with_secret(secret).build().unwrap());
        self.act(who, "factors/confirm-totp", &[("code", &app.code(0))]).await.is(200);
        app
    }

    /// Creates a key, which requires a fresh proof.
    async fn make_key(&self, browser: &Browser) -> Response {
        let fields = [("name", "k"), ("scopes[]", "tasks:read"), ("days", "1")];
        self.act(Credential::Browser(browser), "keys/create", &fields).await
    }
}

/// Checks that the action was refused because the proof is too old.
#[track_caller]
fn is_stale(response: &Response) {
    assert_eq!((response.status, &response.json()["kind"]), (403, &"stale".into()), "{response}");
}

/// A person without the required factor has no other proof, so they may set one up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m_14_a_required_factor_can_be_set_up_with_an_old_provider_session() {
    let (program, provider) = deployment("everybody").await;
    provider.behave(yesterday(&json!({})));
    let nia = program.sign_in_with_provider(&provider, "acme").await;
    assert!(!program.is_signed_in(&nia.cookie()).await, "a partial session");
    program.make_key(&nia).await.is(401);
    program.set_up_app(&nia).await;
    assert!(program.is_signed_in(&nia.cookie()).await);
    program.make_key(&nia).await.is(200);
}

/// Before the existing factor is shown, the session has no access and cannot add another factor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m_14_an_old_provider_session_has_no_access_before_the_factor_is_shown() {
    let (program, provider) = deployment("everybody").await;
    provider.behave(yesterday(&json!({})));
    let app = program.set_up_app(&program.sign_in_with_provider(&provider, "acme").await).await;
    let again = program.sign_in_with_provider(&provider, "acme").await;
    assert!(!program.is_signed_in(&again.cookie()).await);
    program.make_key(&again).await.is(401);
    program.act(Credential::Browser(&again), "factors/offer-totp", &[]).await.is(401);
    program.act(Credential::Browser(&again), "factors/show", &[("code", "000000")]).await.is(422);
    program.act(Credential::Browser(&again), "factors/show", &[("code", &app.code(1))]).await.is(200);
    program.make_key(&again).await.is(200);
}

/// Where no factor is required, setting one up needs a fresh proof.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m_14_setting_up_an_optional_factor_needs_a_fresh_proof() {
    let (program, provider) = deployment("off").await;
    provider.behave(yesterday(&json!({})));
    let nia = program.sign_in_with_provider(&provider, "acme").await;
    assert!(program.is_signed_in(&nia.cookie()).await);
    is_stale(&program.act(Credential::Browser(&nia), "factors/offer-totp", &[]).await);
    is_stale(&program.make_key(&nia).await);
    provider.behave(Behavior { claims: json!({ "auth_time": in_seconds(-1) }), ..Behavior::default() });
    program.set_up_app(&program.sign_in_with_provider(&provider, "acme").await).await;
}

/// A provider's `amr` replaces our second factor, but not the fresh proof.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m_14_an_old_vouched_session_signs_in_without_a_fresh_proof() {
    let (program, provider) = deployment("everybody").await;
    let amr = json!({ "amr": ["pwd", "mfa"] });
    provider.behave(yesterday(&amr));
    let nia = program.sign_in_with_provider(&provider, "acme").await;
    assert!(program.is_signed_in(&nia.cookie()).await, "a factor was shown there");
    is_stale(&program.make_key(&nia).await);
    is_stale(&program.act(Credential::Browser(&nia), "factors/offer-totp", &[]).await);
    provider.behave(Behavior { claims: amr, ..Behavior::default() });
    program.make_key(&program.sign_in_with_provider(&provider, "acme").await).await.is(200);
}

//! Passkey ceremonies: single use, bound to person and purpose, with a time limit (M-14).
use super::browser::{Browser, browser, person};
use crate::{
    authenticator::{PasskeyCeremony, PasskeyDevice},
    html,
    test_env::{Response, TestEnv, on_both},
};
use domain::{PersonId, role::TenantRole};
use std::time::Duration;

/// The origin that browsers report.
pub const ORIGIN: &str = "http://localhost:9876";

impl Browser<'_> {
    /// Begins a passkey ceremony for this purpose.
    pub async fn create_ceremony(&self, purpose: &str) -> PasskeyCeremony {
        let response = self.act("factors/ask-passkey", &[("purpose", purpose)]).await;
        assert_eq!(response.status, 200, "{response:?}");
        PasskeyCeremony::of(response.json()["secret"].as_str().unwrap())
    }

    async fn add(&self, ceremony: &PasskeyCeremony, response: &str) -> Response {
        let fields = [("name", "Phone"), ("ceremony", ceremony.token.as_str()), ("passkey", response)];
        self.act("factors/add-passkey", &fields).await
    }

    async fn show(&self, ceremony: &PasskeyCeremony, response: &str) -> Response {
        self.act("factors/show-passkey", &[("ceremony", ceremony.token.as_str()), ("passkey", response)]).await
    }

    async fn sign_in_with_passkey(&self, ceremony: &PasskeyCeremony, response: &str) -> Response {
        self.act("login/passkey", &[("ceremony", ceremony.token.as_str()), ("passkey", response)]).await
    }

    /// Adds a passkey in the current session.
    pub async fn make_passkey(&self) -> PasskeyDevice {
        let ceremony = self.create_ceremony("register").await;
        let (device, response) = PasskeyDevice::make(&ceremony, ORIGIN);
        let added = self.add(&ceremony, &response).await;
        assert_eq!(added.status, 200, "{added:?}");
        assert_eq!(
            added.json()["secret"].as_str().unwrap().lines().count(),
            10,
            "the first factor creates recovery codes"
        );
        device
    }
}

/// Creates an admin with a passkey.
async fn with_passkey(env: &TestEnv, name: &str) -> (PersonId, PasskeyDevice) {
    let id = person(env, &env.acme, name, TenantRole::Admin).await;
    let first = browser(env);
    first.sign_in(name).await;
    assert!(!first.is_signed_in().await, "an admin needs a second factor");
    let device = first.make_passkey().await;
    assert!(first.is_signed_in().await, "and has one now");
    (id, device)
}

/// Returns a browser that has passed the password but not the passkey.
async fn halfway<'a>(env: &'a TestEnv, name: &str) -> Browser<'a> {
    let half = browser(env);
    half.sign_in(name).await;
    assert!(!half.is_signed_in().await);
    half
}

#[track_caller]
fn is_refused(response: &Response) {
    assert_eq!((response.status.as_u16(), &response.json()["kind"]), (401, &"signed_out".into()), "{response:?}");
    assert!(response.header("set-cookie").is_none_or(|line| line.contains("Max-Age=0")), "{response:?}");
}

/// Returns the number of refusals because of a wrong passkey in the audit log.
async fn refused(env: &TestEnv, action: &str) -> usize {
    let key = env.key(&env.acme, env.acme.audrey, "audit:read").await;
    let list = format!("/api/v1/audit?action={action}&outcome=refused&limit=200");
    let records = env.get(&key, &list).await.json();
    records["items"].as_array().unwrap().iter().filter(|record| record.to_string().contains("wrong passkey")).count()
}

on_both! {
    async fn m_14_a_passkey_is_a_second_factor_a_step_up_proof_and_a_full_sign_in(env) {
        let (_, device) = with_passkey(env, "adam").await;
        let half = halfway(env, "adam").await;
        let ceremony = half.create_ceremony("show").await;
        assert_eq!(half.show(&ceremony, &device.show(&ceremony)).await.status, 200);
        assert!(half.is_signed_in().await);

        let alone = browser(env);
        let ceremony = alone.create_ceremony("sign-in").await;
        assert_eq!(alone.sign_in_with_passkey(&ceremony, &device.show(&ceremony)).await.status, 200);
        assert!(alone.is_signed_in().await);
        env.advance_clock(env.app.config.sessions.step_up);
        let make = [("name", "Lab")];
        assert_eq!(alone.act("organizations/create", &make).await.json()["kind"], "stale");
        let ceremony = alone.create_ceremony("show").await;
        let response = device.show(&ceremony);
        let proof = [("proof_ceremony", ceremony.token.as_str()), ("proof_passkey", response.as_str())];
        assert_eq!(alone.act("factors/prove", &proof).await.status, 200);
        assert_eq!(alone.act("organizations/create", &make).await.status, 200);
    }

    async fn m_14_a_passkey_ceremony_completes_once_and_in_time(env) {
        let (_, device) = with_passkey(env, "adam").await;
        let alone = browser(env);
        let ceremony = alone.create_ceremony("sign-in").await;
        let response = device.show(&ceremony);
        assert_eq!(alone.sign_in_with_passkey(&ceremony, &response).await.status, 200);
        let thief = browser(env);
        is_refused(&thief.sign_in_with_passkey(&ceremony, &response).await);
        assert!(!thief.is_signed_in().await);

        let half = halfway(env, "adam").await;
        let ceremony = half.create_ceremony("show").await;
        let response = device.show(&ceremony);
        let again = half.copy();
        assert_eq!(half.show(&ceremony, &response).await.status, 200);
        is_refused(&again.show(&ceremony, &response).await);

        let (early, late) = (alone.create_ceremony("sign-in").await, alone.create_ceremony("sign-in").await);
        env.advance_clock(Duration::from_secs(5 * 60) - Duration::from_micros(1));
        assert_eq!(browser(env).sign_in_with_passkey(&early, &device.show(&early)).await.status, 200);
        env.advance_clock(Duration::from_micros(1));
        is_refused(&browser(env).sign_in_with_passkey(&late, &device.show(&late)).await);
    }

    async fn m_14_a_passkey_ceremony_is_bound_to_its_purpose(env) {
        let (_, device) = with_passkey(env, "adam").await;
        let half = halfway(env, "adam").await;
        let (to_sign_in, to_show) = (half.create_ceremony("sign-in").await, half.create_ceremony("show").await);
        is_refused(&half.show(&to_sign_in, &device.show(&to_sign_in)).await);
        is_refused(&browser(env).sign_in_with_passkey(&to_show, &device.show(&to_show)).await);
        assert!(!half.is_signed_in().await);
        let ceremony = half.create_ceremony("show").await;
        assert_eq!(half.show(&ceremony, &device.show(&ceremony)).await.status, 200);
        let ceremony = half.create_ceremony("show").await;
        let (_, made) = PasskeyDevice::make(&half.create_ceremony("register").await, ORIGIN);
        is_refused(&half.add(&ceremony, &made).await);
    }

    async fn m_14_a_passkey_ceremony_is_bound_to_its_person(env) {
        let (adam, device) = with_passkey(env, "adam").await;
        let (_, foreign) = with_passkey(env, "eve").await;
        // Eve knows Adam's password and uses her own ceremony and device.
        let (half, eves) = (halfway(env, "adam").await, halfway(env, "eve").await);
        let ceremony = eves.create_ceremony("show").await;
        is_refused(&half.show(&ceremony, &foreign.show(&ceremony)).await);
        let ceremony = half.create_ceremony("show").await;
        is_refused(&half.show(&ceremony, &foreign.show(&ceremony)).await);
        assert!(!half.is_signed_in().await);
        // A ceremony of another person adds no passkey to an account.
        let ceremony = eves.create_ceremony("show").await;
        assert_eq!(eves.show(&ceremony, &foreign.show(&ceremony)).await.status, 200);
        let ceremony = half.create_ceremony("show").await;
        assert_eq!(half.show(&ceremony, &device.show(&ceremony)).await.status, 200);
        let ceremony = eves.create_ceremony("register").await;
        let (_, made) = PasskeyDevice::make(&ceremony, ORIGIN);
        is_refused(&half.add(&ceremony, &made).await);
        // A device that claims another person's user handle is refused.
        let ceremony = eves.create_ceremony("sign-in").await;
        let lying = foreign.show(&ceremony).replace(&foreign.owner, &device.owner);
        is_refused(&browser(env).sign_in_with_passkey(&ceremony, &lying).await);
        let holder = env.app.store.system().holder(env.acme.id, adam).await.unwrap();
        assert!(holder.has_factor);
        let ceremony = half.create_ceremony("register").await;
        let (second, made) = PasskeyDevice::make(&ceremony, ORIGIN);
        assert_eq!(half.add(&ceremony, &made).await.status, 200);
        let ceremony = half.create_ceremony("sign-in").await;
        assert_eq!(browser(env).sign_in_with_passkey(&ceremony, &second.show(&ceremony)).await.status, 200);
    }

    async fn m_14_invalid_passkey_assertions_are_refused_and_audited(env) {
        let (_, device) = with_passkey(env, "adam").await;
        let forged = device.forge();
        let misled = device.at("http://localhost:9877");
        let half = halfway(env, "adam").await;
        let alone = browser(env);
        for n in 0..3 {
            let lie = |ceremony: &PasskeyCeremony| match n {
                0 => forged.show(ceremony),
                1 => device.show_locked(ceremony),
                _ => misled.show(ceremony),
            };
            let ceremony = half.create_ceremony("show").await;
            is_refused(&half.show(&ceremony, &lie(&ceremony)).await);
            let ceremony = alone.create_ceremony("sign-in").await;
            is_refused(&alone.sign_in_with_passkey(&ceremony, &lie(&ceremony)).await);
        }
        assert!(!half.is_signed_in().await && !alone.is_signed_in().await);
        assert_eq!((refused(env, "browser_session.open").await, refused(env, "factor.show").await), (3, 3));
        for nonsense in ["", "{}", "null", "[]", "{\"id\":1}"] {
            let ceremony = alone.create_ceremony("sign-in").await;
            let response = alone.sign_in_with_passkey(&ceremony, nonsense).await;
            assert!([401, 429].contains(&response.status.as_u16()), "{nonsense}: {response:?}");
        }
        env.advance_clock(Duration::from_secs(60 * 60 + 1));
        let half = halfway(env, "adam").await;
        let ceremony = half.create_ceremony("show").await;
        assert_eq!(half.show(&ceremony, &device.show(&ceremony)).await.status, 200);

        let page = half.get("/account").await.body;
        let id = html::field(html::forms(&page, "factors/remove-passkey")[0], "id");
        assert_eq!(half.act("factors/remove-passkey", &[("id", &id)]).await.status, 200);
        let ceremony = alone.create_ceremony("sign-in").await;
        is_refused(&alone.sign_in_with_passkey(&ceremony, &device.show(&ceremony)).await);
        let alone = browser(env);
        alone.sign_in("adam").await;
        assert_eq!(alone.act("factors/ask-passkey", &[("purpose", "show")]).await.status, 401, "the person has no passkey");
    }
}

//! Sign-in throttling of unknown browsers while an account is attacked, and its audit events (D-02, K-05).
use super::browser::{PASSWORD, browser, person};
use crate::test_env::{TestEnv, on_both};
use domain::{
    policy::{IssuePasswordLink, ReadAudit},
    role::TenantRole,
};
use std::{
    net::IpAddr,
    sync::atomic::{AtomicU8, Ordering},
};

/// Tries a hundred wrong passwords from twenty new networks.
async fn guess_from_many_networks(env: &TestEnv) {
    static NEXT: AtomicU8 = AtomicU8::new(0);
    for _ in 0..20 {
        let guesser = browser(env).from(IpAddr::from([198, 51, 100, NEXT.fetch_add(1, Ordering::Relaxed)]));
        for guess in 0..5 {
            let fields = [("email", "mo@acme.example"), ("password", &*format!("violet tractor cloud {guess}"))];
            assert_eq!(guesser.act("login/sign-in", &fields).await.status, 401);
        }
    }
}

/// Signs Mo in from a new browser; returns the status and the `Retry-After` header.
async fn sign_in_from_unknown_browser(env: &TestEnv, last: u8) -> (u16, Option<String>) {
    let elsewhere = browser(env).from(IpAddr::from([203, 0, 113, last]));
    let response = elsewhere.act("login/sign-in", &[("email", "mo@acme.example"), ("password", PASSWORD)]).await;
    (response.status.as_u16(), response.header("retry-after").map(str::to_owned))
}

/// Returns the number of throttling events in the audit log.
async fn throttle_records(env: &TestEnv) -> usize {
    env.app.background.room().await; // waits for the earlier writes
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let filter = store::AuditFilter { action: Some("rate_limit_exceeded".into()), ..Default::default() };
    let mut read = env.app.store.read(&env.acme.console).await.unwrap();
    read.audit(&env.acme.console.may(ReadAudit).unwrap(), filter, None, 50).await.unwrap().items.len()
}

on_both! {
    async fn d_02_during_an_attack_the_owner_signs_in_from_a_known_browser_and_then_from_any(env) {
        person(env, &env.acme, "mo", TenantRole::Person).await;
        let mine = browser(env).from(IpAddr::from([203, 0, 113, 1]));
        mine.sign_in("mo").await;
        mine.act("login/sign-out", &[]).await;
        guess_from_many_networks(env).await;
        let throttled = (429, Some("2".to_owned()));
        assert_eq!(sign_in_from_unknown_browser(env, 2).await, throttled, "the right password in an unknown browser");
        assert_eq!(sign_in_from_unknown_browser(env, 3).await, throttled);
        assert_eq!(throttle_records(env).await, 1, "once a minute");
        mine.sign_in("mo").await;
        assert!(mine.is_signed_in().await);
        assert_eq!(sign_in_from_unknown_browser(env, 4).await.0, 200, "the throttle is reset after a proof");
    }

    async fn d_02_during_an_attack_the_owner_signs_in_with_a_passkey_or_a_link(env) {
        let (mo, console) = (person(env, &env.acme, "mo", TenantRole::Person).await, &env.acme.console);
        guess_from_many_networks(env).await;
        assert_eq!(sign_in_from_unknown_browser(env, 2).await.0, 429);
        env.change(console, async |write| {
            write.issue_password_link(console.may(IssuePasswordLink { person: mo })?, server::authentication::digest("a link")).await
        }).await;
        let mine = browser(env).from(IpAddr::from([203, 0, 113, 5]));
        let set = mine.act("setup/set-password", &[("token", "a link"), ("password", PASSWORD)]).await;
        assert!(set.status == 200 && mine.is_signed_in().await, "{set:?}");
        assert_eq!(sign_in_from_unknown_browser(env, 6).await.0, 200);

        let key = mine.make_passkey().await;
        guess_from_many_networks(env).await;
        assert_eq!(sign_in_from_unknown_browser(env, 7).await.0, 429);
        let other = browser(env).from(IpAddr::from([203, 0, 113, 8]));
        let ceremony = other.create_ceremony("sign-in").await;
        let fields = [("ceremony", ceremony.token.as_str()), ("passkey", &key.show(&ceremony))];
        assert_eq!(other.act("login/passkey", &fields).await.status, 200);
        assert!(other.is_signed_in().await);
        assert_eq!(sign_in_from_unknown_browser(env, 9).await.0, 200, "the password is accepted; the second factor is missing");
    }

    /// A correct password without the second factor does not reset the throttle.
    async fn m_14_wrong_codes_throttle_right_ones_with_retry_after(env) {
        person(env, &env.acme, "mo", TenantRole::Person).await;
        let mine = browser(env);
        mine.sign_in("mo").await;
        mine.enroll().await;
        let thief = browser(env);
        thief.sign_in("mo").await;
        for _ in 0..5 {
            assert_eq!(thief.act("factors/show", &[("code", "000000")]).await.status, 422);
        }
        let form = thief.submit("/second-factor", "factors/show", &[("code", "000000")]).await;
        for response in [thief.act("factors/show", &[("code", "000000")]).await, form] {
            assert_eq!((response.status.as_u16(), response.header("retry-after")), (429, Some("2")), "{response:?}");
        }
        assert_eq!(throttle_records(env).await, 1);
    }
}

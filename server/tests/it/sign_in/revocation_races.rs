//! Requests in flight while sessions end, a password changes or passkeys are removed open no session (E11).
use super::{
    browser::{AuthenticatorApp, Browser, PASSWORD, STEP, browser, person},
    passkeys::ORIGIN,
};
use crate::{
    authenticator::PasskeyDevice,
    test_env::{Response, TestEnv, on_both},
};
use domain::{
    PersonId,
    policy::{EndBrowserSessions, ReadAudit, ResetFactors},
    role::TenantRole,
};
use futures::join;
use std::time::Duration;
use store::{Result, Write};

/// Submits a form while `end` is uncommitted: the session has been read, and the request waits for the write lock.
async fn act_during(
    env: &TestEnv,
    browser: &Browser<'_>,
    (action, fields): (&str, &[(&str, &str)]),
    end: impl AsyncFnOnce(&mut Write) -> Result<()>,
) -> Response {
    let mut write = env.app.store.write(&env.acme.console).await.unwrap();
    end(&mut write).await.unwrap();
    let commit = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        write.commit().await.unwrap();
    };
    join!(browser.act(action, fields), commit).0
}

/// Submits a form while all sessions end, and checks that nobody is signed in afterwards.
async fn assert_signed_out_during(
    env: &TestEnv,
    who: PersonId,
    browser: &Browser<'_>,
    action: &str,
    fields: &[(&str, &str)],
) {
    let copy = browser.copy();
    let console = &env.acme.console;
    let all = async |write: &mut Write| {
        let proof = console.may(EndBrowserSessions { of: Some(who) }).unwrap();
        assert_eq!(write.end_all_browser_sessions(proof, None).await?, 1, "there is a session to end");
        Ok(())
    };
    let response = act_during(env, browser, (action, fields), all).await;
    assert_eq!(response.status, 401, "{action}: {response:?}");
    assert_all_signed_out(&[browser, &copy], action).await;
}

async fn assert_all_signed_out(browsers: &[&Browser<'_>], action: &str) {
    for browser in browsers {
        assert!(!browser.is_signed_in().await, "{action}");
        assert_eq!(
            browser.get("/second-factor").await.header("location"),
            Some("/sign-in?next=%2F"),
            "{action}: no incomplete session either"
        );
    }
}

on_both! {
    async fn trap_e11_a_code_does_not_complete_an_ended_session(env) {
        let mo = person(env, &env.acme, "mo", TenantRole::Person).await;
        let mine = browser(env);
        mine.sign_in("mo").await;
        let (app, codes) = mine.enroll().await;
        mine.act("login/sign-out", &[]).await;
        env.advance_clock(STEP);
        for code in [app.code(env, 0), codes[0].clone()] {
            let halfway = browser(env);
            halfway.sign_in("mo").await;
            assert_signed_out_during(env, mo, &halfway, "factors/show", &[("code", &code)]).await;
            halfway.sign_in("mo").await;
            let again = halfway.act("factors/show", &[("code", &code)]).await;
            assert_eq!(again.status, 200, "it was not used up: {again:?}");
            halfway.act("login/sign-out", &[]).await;
        }
    }

    async fn trap_e11_setting_up_an_app_does_not_complete_an_ended_session(env) {
        let mo = person(env, &env.acme, "mo", TenantRole::Person).await;
        let adam = person(env, &env.acme, "adam", TenantRole::Admin).await;
        for (name, who) in [("mo", mo), ("adam", adam)] {
            let theirs = browser(env);
            theirs.sign_in(name).await;
            theirs.act("factors/offer-totp", &[]).await;
            let app = AuthenticatorApp::of(&theirs.get("/authenticator").await.body);
            let code = app.code(env, 0);
            assert_signed_out_during(env, who, &theirs, "factors/confirm-totp", &[("code", &code)]).await;
            theirs.sign_in(name).await;
            theirs.enroll().await;
            assert!(theirs.is_signed_in().await, "nothing was set up before");
        }
    }

    async fn trap_e11_a_passkey_does_not_complete_an_ended_session(env) {
        let mo = person(env, &env.acme, "mo", TenantRole::Person).await;
        let mine = browser(env);
        mine.sign_in("mo").await;
        let ceremony = mine.create_ceremony("register").await;
        let (_, response) = PasskeyDevice::make(&ceremony, ORIGIN);
        let fields = [("name", "Key"), ("ceremony", ceremony.token.as_str()), ("passkey", &response)];
        assert_signed_out_during(env, mo, &mine, "factors/add-passkey", &fields).await;
        mine.sign_in("mo").await;
        assert!(mine.is_signed_in().await, "none was added");

        let key = mine.make_passkey().await;
        assert!(mine.is_signed_in().await);
        mine.act("login/sign-out", &[]).await;
        for ended in [true, false] {
            let halfway = browser(env);
            halfway.sign_in("mo").await;
            let ceremony = halfway.create_ceremony("show").await;
            let fields = [("ceremony", ceremony.token.as_str()), ("passkey", &key.show(&ceremony))];
            if ended {
                assert_signed_out_during(env, mo, &halfway, "factors/show-passkey", &fields).await;
            } else {
                assert_eq!(halfway.act("factors/show-passkey", &fields).await.status, 200);
                assert!(halfway.is_signed_in().await);
            }
        }
    }

    async fn d_02_a_password_that_changes_during_sign_in_opens_no_session(env) {
        let mo = person(env, &env.acme, "mo", TenantRole::Person).await;
        let (thief, fields) = (browser(env), [("email", "mo@acme.example"), ("password", PASSWORD)]);
        let change = async |write: &mut Write| write.set_password(mo, "$argon2id$another").await;
        let response = act_during(env, &thief, ("login/sign-in", &fields), change).await;
        assert_eq!(response.status, 401, "{response:?}");
        assert_all_signed_out(&[&thief], "login/sign-in").await;
        let mut read = env.app.store.read(&env.acme.console).await.unwrap();
        let opened = store::AuditFilter { action: Some("browser_session.open".into()), outcome: Some(domain::audit::Outcome::Done), ..Default::default() };
        assert!(read.audit(&env.acme.console.may(ReadAudit).unwrap(), opened, None, 9).await.unwrap().items.is_empty());
    }

    async fn m_14_a_passkey_removed_during_sign_in_opens_no_session(env) {
        let (mo, console) = (person(env, &env.acme, "mo", TenantRole::Person).await, &env.acme.console);
        let mine = browser(env);
        mine.sign_in("mo").await;
        let key = mine.make_passkey().await;
        for assignment in [false, true] {
            let other = browser(env);
            let ceremony = other.create_ceremony("sign-in").await;
            let fields = [("ceremony", ceremony.token.as_str()), ("passkey", &key.show(&ceremony))];
            if !assignment {
                assert_eq!(other.act("login/passkey", &fields).await.status, 200);
                assert!(other.is_signed_in().await, "a passkey is enough");
                continue;
            }
            let reset = async |write: &mut Write| write.reset_factors(console.may(ResetFactors { person: mo }).unwrap()).await.map(drop);
            let response = act_during(env, &other, ("login/passkey", &fields), reset).await;
            assert_eq!(response.status, 401, "{response:?}");
            assert_all_signed_out(&[&other, &mine], "login/passkey").await;
        }
    }
}

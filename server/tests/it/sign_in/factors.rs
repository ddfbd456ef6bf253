//! Second factors: setup, codes, recovery codes and policies (M-14).
use super::browser::{AuthenticatorApp, PASSWORD, STEP, browser, person};
use crate::{
    html,
    test_env::{TestEnv, on_both},
};
use domain::{
    SignedInBy,
    policy::{CreateOrganization, SetFactorPolicy, SetMembership},
    role::{Role, TenantRole},
};
use futures::join;
use server::authentication::{self, Authenticated, Hasher, Sessions, SignIn, SignInRequest};
use std::{net::Ipv4Addr, sync::Arc, time::Duration};
use store::SignInBasis;
use tower_sessions::Session;

/// Returns a sign-in service with an empty session.
fn session_opener(env: &TestEnv) -> (SignIn, Session) {
    let config = &env.app.config.sessions;
    let sessions = Sessions::new(env.app.store.clone(), &env.app.keys.sessions, config.idle);
    let service = authentication::service(&env.app, Hasher::new().unwrap(), "http://127.0.0.1:9876").unwrap();
    let session = Session::new(None, Arc::new(sessions), None);
    (SignIn::new(service, SignInRequest::new(session.clone(), Ipv4Addr::LOCALHOST.into(), "Tests")), session)
}

async fn require_factors(env: &TestEnv, everybody: bool) {
    let console = &env.acme.console;
    let action = SetFactorPolicy { everybody };
    env.change(console, async |write| write.set_factor_policy(console.may(action)?).await).await;
}

on_both! {
    async fn m_14_an_admin_without_a_second_factor_can_only_set_one_up(env) {
        person(env, &env.acme, "adam", TenantRole::Admin).await;
        let adam = browser(env);
        adam.sign_in("adam").await;
        for (page, location) in [("/people", "/sign-in?next=%2Fpeople"), ("/sign-in?next=/people", "/second-factor?next=%2Fpeople")] {
            assert_eq!(adam.get(page).await.header("location"), Some(location));
        }
        assert!(adam.get("/second-factor").await.body.contains("Set up authenticator app"));
        for (action, fields) in [("people/create", &[("name", "x"), ("email", "x@x.example"), ("tenant_role", "admin")][..]), ("factors/recovery-codes", &[]), ("browser-sessions/end-others", &[]), ("factors/policy", &[("who", "nobody")]), ("factors/show", &[("code", "123456")])] {
            assert_eq!(adam.act(action, fields).await.status, 401, "{action}");
        }
        assert_eq!(adam.status("/live?topics=people").await, 401);

        let early = adam.copy();
        adam.act("factors/offer-totp", &[]).await;
        let page = adam.get("/authenticator").await.body;
        assert!(page.contains("class=\"qr\""), "{page}");
        let wrong = adam.submit("/authenticator", "factors/confirm-totp", &[("code", "000000")]).await;
        assert_eq!(wrong.status, 422, "{wrong:?}");
        let app = AuthenticatorApp::of(&wrong.body);
        let done = adam.submit("/authenticator", "factors/confirm-totp", &[("code", &app.code(env, 0))]).await;
        assert_eq!(done.status, 200, "{done:?}");
        assert_eq!(done.body.matches("<li><code>").count(), 10, "ten recovery codes, shown once");
        assert_eq!(adam.status("/people").await, 200);
        assert!(!early.is_signed_in().await, "the earlier cookie is invalid");
    }

    /// D-03: setting up a required second factor location back to the invitation, and never to another site.
    async fn d_03_setting_up_a_second_factor_returns_to_the_invitation(env) {
        let acme = &env.acme;
        let (olga, lab) = (person(env, acme, "olga", TenantRole::Person).await, "Laboratory".to_owned());
        let organization = env.change(&acme.console, async |write| {
            let lab = write.create_organization(acme.console.may(CreateOrganization { name: lab })?).await?;
            let own = SetMembership { organization: lab, person: olga, role: Role::Owner };
            write.set_membership(acme.console.may(own)?).await?;
            Ok(lab)
        }).await.to_string();
        let hers = browser(env);
        hers.sign_in("olga").await;
        let fields = [("organization", organization.as_str()), ("role", "viewer"), ("uses", "1"), ("days", "1")];
        let link = hers.act("organizations/invite", &fields).await.json()["secret"].as_str().unwrap().to_owned();
        let token = link.split_once("token=").unwrap().1;

        person(env, acme, "adam", TenantRole::Admin).await;
        let adam = browser(env);
        assert!(adam.get(&format!("/invitation?token={token}")).await.body.contains("href=\"/sign-in?next=%2Finvitation\""));
        adam.sign_in("adam").await;
        let step = "/second-factor?next=%2Finvitation";
        assert!(adam.get("/invitation").await.body.contains(&format!("href=\"{step}\"")));
        let carries = "name=\"next\" value=\"/invitation\"";
        assert_eq!(adam.get(step).await.body.matches(carries).count(), 2, "with an app, and with a passkey");
        let step = adam.submit(step, "factors/offer-totp", &[("next", "/invitation")]).await;
        let page = "/authenticator?next=%2Finvitation";
        assert_eq!(step.header("location"), Some(page));
        let wrong = adam.submit(page, "factors/confirm-totp", &[("next", "/invitation"), ("code", "000000")]).await;
        assert!(wrong.status == 422 && wrong.body.contains(carries), "{wrong:?}");
        let code = AuthenticatorApp::of(&wrong.body).code(env, 0);
        let done = adam.submit(page, "factors/confirm-totp", &[("next", "/invitation"), ("code", &code)]).await;
        assert!(done.body.matches("<li><code>").count() == 10 && done.body.contains("href=\"/invitation\""), "{done:?}");
        assert!(adam.get("/invitation").await.body.contains("Accept and join"));

        let foreign = browser(env);
        foreign.sign_in("olga").await;
        for (next, location) in [("//evil.example", "/authenticator?next=%2F"), ("", "/authenticator")] {
            let step = foreign.submit("/account", "factors/offer-totp", &[("next", next)]).await;
            assert_eq!(step.header("location"), Some(location), "{next}");
        }
        let page = foreign.get("/authenticator?next=%2F%2Fevil.example").await.body;
        assert!(!page.contains("//evil.example") && page.contains("name=\"next\" value=\"/\""), "{page}");
        let (_, codes) = foreign.enroll().await;
        assert_eq!(codes.len(), 10);
    }

    async fn m_14_each_code_works_once(env) {
        person(env, &env.acme, "adam", TenantRole::Admin).await;
        let first = browser(env);
        first.sign_in("adam").await;
        let (app, _) = first.enroll().await;
        let again = browser(env);
        again.sign_in("adam").await;
        assert!(!again.is_signed_in().await);
        let used = app.code(env, 0);
        assert_eq!(again.act("factors/show", &[("code", &used)]).await.status, 422, "the app was set up with this code");
        env.advance_clock(STEP);
        let other = browser(env);
        other.sign_in("adam").await;
        let code = app.code(env, 0);
        let fields = [("code", code.as_str())];
        let both = join!(again.act("factors/show", &fields), other.act("factors/show", &fields));
        let mut statuses = [both.0.status.as_u16(), both.1.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 422], "one of two concurrent uses succeeds");
        assert_ne!(again.is_signed_in().await, other.is_signed_in().await);
        env.advance_clock(STEP);
        for (steps, right) in [(-2, false), (2, false), (0, true)] {
            let late = browser(env);
            late.sign_in("adam").await;
            late.act("factors/show", &[("code", &app.code(env, steps))]).await;
            assert_eq!(late.is_signed_in().await, right, "{steps} steps away");
        }
        let back = browser(env);
        back.sign_in("adam").await;
        assert_eq!(back.act("factors/show", &[("code", &app.code(env, -1))]).await.status, 422, "older than the last");
    }

    async fn m_14_a_recovery_code_works_once_and_its_owner_is_notified(env) {
        person(env, &env.acme, "adam", TenantRole::Admin).await;
        let first = browser(env);
        first.sign_in("adam").await;
        let (_, codes) = first.enroll().await;
        for right in [true, false] {
            let lost = browser(env);
            lost.sign_in("adam").await;
            let response = lost.act("factors/show", &[("code", &codes[3].to_uppercase())]).await;
            assert_eq!((response.status == 200, lost.is_signed_in().await), (right, right), "{response:?}");
        }
        assert!(first.get("/account").await.body.contains("9 codes left."));
        assert!(first.get("/keys").await.body.contains("A recovery code was used; codes left: 9"), "shown on every page until dismissed");
        let made = first.act("factors/recovery-codes", &[]).await;
        assert_eq!(made.json()["secret"].as_str().unwrap().lines().count(), 10);
        let void = browser(env);
        void.sign_in("adam").await;
        assert_eq!(void.act("factors/show", &[("code", &codes[4])]).await.status, 422, "replaced by new codes");
    }

    async fn m_14_a_partial_session_cannot_set_up_another_factor(env) {
        person(env, &env.acme, "mo", TenantRole::Person).await;
        let mine = browser(env);
        mine.sign_in("mo").await;
        assert!(mine.is_signed_in().await, "no second factor is required");
        mine.enroll().await;
        let thief = browser(env);
        thief.sign_in("mo").await;
        for (action, fields) in [("factors/offer-totp", &[][..]), ("factors/confirm-totp", &[("code", "123456")]), ("factors/remove-totp", &[]), ("factors/prove", &[("proof_password", PASSWORD)])] {
            assert_eq!(thief.act(action, fields).await.status, 401, "{action}");
        }
        assert_eq!(thief.get("/authenticator").await.header("location"), Some("/second-factor"));
        assert!(thief.get("/second-factor").await.body.contains("recovery codes"));
        assert_eq!(thief.act("login/sign-out", &[]).await.status, 200, "sign-out is allowed");
        assert_eq!(thief.get("/second-factor").await.header("location"), Some("/sign-in?next=%2F"));
    }

    async fn m_14_wrong_codes_are_throttled_and_audited(env) {
        person(env, &env.acme, "mo", TenantRole::Person).await;
        let mine = browser(env);
        mine.sign_in("mo").await;
        let (app, _) = mine.enroll().await;
        env.advance_clock(STEP);
        let thief = browser(env);
        thief.sign_in("mo").await;
        for _ in 0..5 {
            assert_eq!(thief.act("factors/show", &[("code", "000000")]).await.status, 422);
        }
        let code = app.code(env, 0);
        assert_eq!(thief.act("factors/show", &[("code", &code)]).await.status, 429, "the right code is throttled, too");
        env.advance_clock(Duration::from_secs(2));
        assert_eq!(thief.act("factors/show", &[("code", &code)]).await.status, 200);
        let proof = env.acme.console.may(domain::policy::ReadAudit).unwrap();
        let filter = store::AuditFilter { action: Some("factor.show".into()), ..Default::default() };
        let mut read = env.app.store.read(&env.acme.console).await.unwrap();
        assert_eq!(read.audit(&proof, filter, None, 50).await.unwrap().items.len(), 5);
    }

    async fn m_14_concurrent_codes_are_counted_one_by_one(env) {
        person(env, &env.acme, "mo", TenantRole::Person).await;
        let mine = browser(env);
        mine.sign_in("mo").await;
        mine.enroll().await;
        let thief = browser(env);
        thief.sign_in("mo").await;
        let tries = (0..20).map(|_| async { thief.copy().act("factors/show", &[("code", "000000")]).await.status });
        let responses = futures::future::join_all(tries).await;
        assert_eq!(responses.iter().filter(|status| **status == 422).count(), 5, "{responses:?}");
    }

    async fn m_14_a_tenant_can_require_second_factors_of_everyone(env) {
        person(env, &env.acme, "mo", TenantRole::Person).await;
        let mine = browser(env);
        mine.sign_in("mo").await;
        assert!(mine.is_signed_in().await);
        require_factors(env, true).await;
        assert!(!mine.is_signed_in().await, "the open session is incomplete");
        require_factors(env, false).await;
        assert!(mine.is_signed_in().await);
        require_factors(env, true).await;
        env.advance_clock(env.app.config.sessions.step_up);
        assert_eq!(mine.act("factors/offer-totp", &[]).await.status, 401, "an old sign-in is not a fresh proof");
        mine.sign_in("mo").await;
        mine.enroll().await;
        assert!(mine.is_signed_in().await);
    }

    async fn m_14_a_provider_can_vouch_for_the_second_factor(env) {
        let adam = person(env, &env.acme, "adam", TenantRole::Admin).await;
        for second_factor_verified in [true, false] {
            let (sign_in, session) = session_opener(env);
            let known = env.app.store.system().credential(env.acme.id, adam).await.unwrap().unwrap();
            let (tenant, by, basis) = (env.acme.id, SignedInBy::Password, SignInBasis::Password(known.password_hash));
            sign_in.open(Authenticated { tenant, person: adam, by, basis, second_factor_verified, authenticated_at: None }).await.unwrap();
            let theirs = browser(env);
            theirs.take_cookie(&session.id().unwrap().to_string());
            assert_eq!(theirs.is_signed_in().await, second_factor_verified);
        }
    }

    async fn m_14_an_admin_resets_lost_factors_and_the_person_is_notified(env) {
        let mo = person(env, &env.acme, "mo", TenantRole::Person).await.to_string();
        let adam = person(env, &env.acme, "adam", TenantRole::Admin).await.to_string();
        let (hers, his) = (browser(env), browser(env));
        hers.sign_in("mo").await;
        hers.enroll().await;
        his.sign_in("adam").await;
        his.enroll().await;
        assert_eq!(hers.act("people/reset-factors", &[("id", &adam)]).await.status, 403);
        assert_eq!(his.act("people/reset-factors", &[("id", &adam)]).await.status, 403, "not one's own");
        assert_eq!(his.act("people/reset-factors", &[("id", &mo)]).await.status, 200);
        assert!(!hers.is_signed_in().await, "all sessions end");
        hers.sign_in("mo").await;
        let page = hers.get("/keys").await;
        assert!(page.body.contains("All second factors were reset by an admin: adam"), "{page:?}");
        let last = html::field(&page.body, "last");
        hers.act("account/seen", &[("last", &last)]).await;
        assert!(!hers.get("/keys").await.body.contains("All second factors"));
        assert!(hers.get("/account").await.body.contains("All second factors were reset by an admin"), "it stays in the list");
    }
}

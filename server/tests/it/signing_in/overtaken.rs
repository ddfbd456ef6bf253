//! E11: a request that is under way while somebody ends all sessions, changes the password or takes the passkeys away revives
//! nothing, whatever it would have opened or completed.
use super::{
    passkeys::ORIGIN,
    window::{App, PASSWORD, STEP, Window, person, window},
};
use crate::{
    authenticator::Device,
    world::{Answer, World, on_both},
};
use domain::{
    PersonId,
    policy::{EndBrowserSessions, ReadAudit, ResetFactors},
    role::TenantRole,
};
use futures::join;
use std::time::Duration;
use store::{Result, Write};

/// Sends a form while `end` is not committed yet: its session was found, and it waits for its turn to write.
async fn overtaken(
    world: &World,
    window: &Window<'_>,
    (action, fields): (&str, &[(&str, &str)]),
    end: impl AsyncFnOnce(&mut Write) -> Result<()>,
) -> Answer {
    let mut write = world.app.store.write(&world.acme.console).await.unwrap();
    end(&mut write).await.unwrap();
    let commit = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        write.commit().await.unwrap();
    };
    join!(window.act(action, fields), commit).0
}

/// The same where all sessions end, and nobody is in afterwards.
async fn signed_out(world: &World, who: PersonId, window: &Window<'_>, action: &str, fields: &[(&str, &str)]) {
    let copy = window.copy();
    let console = &world.acme.console;
    let all = async |write: &mut Write| {
        let proof = console.may(EndBrowserSessions { of: Some(who) }).unwrap();
        assert_eq!(write.end_all_browser_sessions(proof, None).await?, 1, "there is one to end");
        Ok(())
    };
    let answer = overtaken(world, window, (action, fields), all).await;
    assert_eq!(answer.status, 401, "{action}: {answer:?}");
    nobody_is_in(&[window, &copy], action).await;
}

async fn nobody_is_in(windows: &[&Window<'_>], action: &str) {
    for window in windows {
        assert!(!window.is_signed_in().await, "{action}");
        assert_eq!(
            window.get("/second-factor").await.header("location"),
            Some("/sign-in?next=%2F"),
            "{action}: nor halfway"
        );
    }
}

on_both! {
    async fn trap_e11_a_code_completes_no_session_that_is_ended(world) {
        let mo = person(world, &world.acme, "mo", TenantRole::Person).await;
        let mine = window(world);
        mine.sign_in("mo").await;
        let (app, codes) = mine.enroll().await;
        mine.act("login/sign-out", &[]).await;
        world.wait(STEP);
        for code in [app.code(world, 0), codes[0].clone()] {
            let halfway = window(world);
            halfway.sign_in("mo").await;
            signed_out(world, mo, &halfway, "factors/show", &[("code", &code)]).await;
            halfway.sign_in("mo").await;
            let again = halfway.act("factors/show", &[("code", &code)]).await;
            assert_eq!(again.status, 200, "it was not used up: {again:?}");
            halfway.act("login/sign-out", &[]).await;
        }
    }

    async fn trap_e11_an_app_that_is_set_up_completes_no_session_that_is_ended(world) {
        let mo = person(world, &world.acme, "mo", TenantRole::Person).await;
        let adam = person(world, &world.acme, "adam", TenantRole::Admin).await;
        for (name, who) in [("mo", mo), ("adam", adam)] {
            let theirs = window(world);
            theirs.sign_in(name).await;
            theirs.act("factors/offer-totp", &[]).await;
            let app = App::of(&theirs.get("/authenticator").await.body);
            let code = app.code(world, 0);
            signed_out(world, who, &theirs, "factors/confirm-totp", &[("code", &code)]).await;
            theirs.sign_in(name).await;
            theirs.enroll().await;
            assert!(theirs.is_signed_in().await, "nothing was set up before");
        }
    }

    async fn trap_e11_a_passkey_completes_no_session_that_is_ended(world) {
        let mo = person(world, &world.acme, "mo", TenantRole::Person).await;
        let mine = window(world);
        mine.sign_in("mo").await;
        let asked = mine.ask("register").await;
        let (_, answer) = Device::make(&asked, ORIGIN);
        let fields = [("name", "Key"), ("ceremony", asked.ceremony.as_str()), ("passkey", &answer)];
        signed_out(world, mo, &mine, "factors/add-passkey", &fields).await;
        mine.sign_in("mo").await;
        assert!(mine.is_signed_in().await, "none was added");

        let key = mine.make_passkey().await;
        assert!(mine.is_signed_in().await);
        mine.act("login/sign-out", &[]).await;
        for ended in [true, false] {
            let halfway = window(world);
            halfway.sign_in("mo").await;
            let asked = halfway.ask("show").await;
            let fields = [("ceremony", asked.ceremony.as_str()), ("passkey", &key.show(&asked))];
            if ended {
                signed_out(world, mo, &halfway, "factors/show-passkey", &fields).await;
            } else {
                assert_eq!(halfway.act("factors/show-passkey", &fields).await.status, 200);
                assert!(halfway.is_signed_in().await);
            }
        }
    }

    async fn d_02_a_password_that_is_changed_meanwhile_opens_nothing(world) {
        let mo = person(world, &world.acme, "mo", TenantRole::Person).await;
        let (thief, fields) = (window(world), [("email", "mo@acme.example"), ("password", PASSWORD)]);
        let change = async |write: &mut Write| write.set_password(mo, "$argon2id$another").await;
        let answer = overtaken(world, &thief, ("login/sign-in", &fields), change).await;
        assert_eq!(answer.status, 401, "{answer:?}");
        nobody_is_in(&[&thief], "login/sign-in").await;
        let mut read = world.app.store.read(&world.acme.console).await.unwrap();
        let opened = store::AuditFilter { action: Some("browser_session.open".into()), outcome: Some(domain::audit::Outcome::Done), ..Default::default() };
        assert!(read.audit(&world.acme.console.may(ReadAudit).unwrap(), opened, None, 9).await.unwrap().items.is_empty());
    }

    async fn m_14_a_passkey_that_is_taken_away_meanwhile_opens_nothing(world) {
        let (mo, console) = (person(world, &world.acme, "mo", TenantRole::Person).await, &world.acme.console);
        let mine = window(world);
        mine.sign_in("mo").await;
        let key = mine.make_passkey().await;
        for taken in [false, true] {
            let other = window(world);
            let asked = other.ask("sign-in").await;
            let fields = [("ceremony", asked.ceremony.as_str()), ("passkey", &key.show(&asked))];
            if !taken {
                assert_eq!(other.act("login/passkey", &fields).await.status, 200);
                assert!(other.is_signed_in().await, "a passkey is enough");
                continue;
            }
            let reset = async |write: &mut Write| write.reset_factors(console.may(ResetFactors { person: mo }).unwrap()).await;
            let answer = overtaken(world, &other, ("login/passkey", &fields), reset).await;
            assert_eq!(answer.status, 401, "{answer:?}");
            nobody_is_in(&[&other, &mine], "login/passkey").await;
        }
    }
}

//! D-02, K-05: who guesses at an account from everywhere holds up browsers that it does not know, not its owner; and that is on
//! record.
use super::window::{PASSWORD, person, window};
use crate::world::{World, on_both};
use domain::{
    policy::{IssuePasswordLink, ReadAudit},
    role::TenantRole,
};
use std::{
    net::IpAddr,
    sync::atomic::{AtomicU8, Ordering},
};

/// A hundred wrong passwords, from twenty networks that nobody came from before.
async fn crowd(world: &World) {
    static NEXT: AtomicU8 = AtomicU8::new(0);
    for _ in 0..20 {
        let guesser = window(world).from(IpAddr::from([198, 51, 100, NEXT.fetch_add(1, Ordering::Relaxed)]));
        for guess in 0..5 {
            let fields = [("email", "mo@acme.example"), ("password", &*format!("violet tractor cloud {guess}"))];
            assert_eq!(guesser.act("login/sign-in", &fields).await.status, 401);
        }
    }
}

/// What Mo is answered to their password in a browser that the account does not know.
async fn new_browser(world: &World, last: u8) -> (u16, Option<String>) {
    let elsewhere = window(world).from(IpAddr::from([203, 0, 113, last]));
    let answer = elsewhere.act("login/sign-in", &[("email", "mo@acme.example"), ("password", PASSWORD)]).await;
    (answer.status.as_u16(), answer.header("retry-after").map(str::to_owned))
}

/// How often that attempts had to wait stands in the audit log.
async fn on_record(world: &World) -> usize {
    world.app.background.room().await; // those before have found theirs
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let filter = store::AuditFilter { action: Some("rate_limit_exceeded".into()), ..Default::default() };
    let mut read = world.app.store.read(&world.acme.console).await.unwrap();
    read.audit(&world.acme.console.may(ReadAudit).unwrap(), filter, None, 50).await.unwrap().items.len()
}

on_both! {
    async fn d_02_the_owner_comes_in_by_a_known_browser_and_then_by_any_while_others_guess(world) {
        person(world, &world.acme, "mo", TenantRole::Person).await;
        let mine = window(world).from(IpAddr::from([203, 0, 113, 1]));
        mine.sign_in("mo").await;
        mine.act("login/sign-out", &[]).await;
        crowd(world).await;
        let held_up = (429, Some("2".to_owned()));
        assert_eq!(new_browser(world, 2).await, held_up, "the right password, and a browser that nobody knows");
        assert_eq!(new_browser(world, 3).await, held_up);
        assert_eq!(on_record(world).await, 1, "once a minute");
        mine.sign_in("mo").await;
        assert!(mine.is_signed_in().await);
        assert_eq!(new_browser(world, 4).await.0, 200, "who proved that it is theirs is not held up any more");
    }

    async fn d_02_the_owner_comes_in_by_a_passkey_or_a_link_while_others_guess(world) {
        let (mo, console) = (person(world, &world.acme, "mo", TenantRole::Person).await, &world.acme.console);
        crowd(world).await;
        assert_eq!(new_browser(world, 2).await.0, 429);
        world.change(console, async |write| {
            write.issue_password_link(console.may(IssuePasswordLink { person: mo })?, server::auth::digest("a link")).await
        }).await;
        let mine = window(world).from(IpAddr::from([203, 0, 113, 5]));
        let set = mine.act("setup/set-password", &[("token", "a link"), ("password", PASSWORD)]).await;
        assert!(set.status == 200 && mine.is_signed_in().await, "{set:?}");
        assert_eq!(new_browser(world, 6).await.0, 200);

        let key = mine.make_passkey().await;
        crowd(world).await;
        assert_eq!(new_browser(world, 7).await.0, 429);
        let other = window(world).from(IpAddr::from([203, 0, 113, 8]));
        let asked = other.ask("sign-in").await;
        let fields = [("ceremony", asked.ceremony.as_str()), ("passkey", &key.show(&asked))];
        assert_eq!(other.act("login/passkey", &fields).await.status, 200);
        assert!(other.is_signed_in().await);
        assert_eq!(new_browser(world, 9).await.0, 200, "halfway: they have a second factor now");
    }

    /// Who knows the password and not the second factor proves nothing that would let them guess on.
    async fn m_14_wrong_codes_hold_up_the_right_ones_and_say_for_how_long(world) {
        person(world, &world.acme, "mo", TenantRole::Person).await;
        let mine = window(world);
        mine.sign_in("mo").await;
        mine.enroll().await;
        let thief = window(world);
        thief.sign_in("mo").await;
        for _ in 0..5 {
            assert_eq!(thief.act("factors/show", &[("code", "000000")]).await.status, 422);
        }
        let form = thief.submit("/second-factor", "factors/show", &[("code", "000000")]).await;
        for answer in [thief.act("factors/show", &[("code", "000000")]).await, form] {
            assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, Some("2")), "{answer:?}");
        }
        assert_eq!(on_record(world).await, 1);
    }
}

//! M-14: passkeys, answered by a device of our own: what was asked is answered once, in time, by whom it was asked, for what.
use super::window::{Window, person, window};
use crate::{
    authenticator::{Asked, Device},
    world::{Answer, World, on_both},
};
use domain::{PersonId, role::TenantRole};
use std::time::Duration;

/// Where browsers believe to be.
pub const ORIGIN: &str = "http://localhost:9876";

impl Window<'_> {
    /// What a device is asked for.
    pub async fn ask(&self, purpose: &str) -> Asked {
        let answer = self.act("factors/ask-passkey", &[("purpose", purpose)]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        Asked::of(answer.json()["secret"].as_str().unwrap())
    }

    async fn add(&self, asked: &Asked, answer: &str) -> Answer {
        let fields = [("name", "Phone"), ("ceremony", asked.ceremony.as_str()), ("passkey", answer)];
        self.act("factors/add-passkey", &fields).await
    }

    async fn show(&self, asked: &Asked, answer: &str) -> Answer {
        self.act("factors/show-passkey", &[("ceremony", asked.ceremony.as_str()), ("passkey", answer)]).await
    }

    async fn come_in(&self, asked: &Asked, answer: &str) -> Answer {
        self.act("login/passkey", &[("ceremony", asked.ceremony.as_str()), ("passkey", answer)]).await
    }

    /// Adds a passkey with whatever session there is.
    pub async fn make_passkey(&self) -> Device {
        let asked = self.ask("register").await;
        let (device, answer) = Device::make(&asked, ORIGIN);
        let added = self.add(&asked, &answer).await;
        assert_eq!(added.status, 200, "{added:?}");
        assert_eq!(
            added.json()["secret"].as_str().unwrap().lines().count(),
            10,
            "the first factor brings recovery codes"
        );
        device
    }
}

/// Somebody with a passkey.
async fn with_passkey(world: &World, name: &str) -> (PersonId, Device) {
    let id = person(world, &world.acme, name, TenantRole::Admin).await;
    let first = window(world);
    first.sign_in(name).await;
    assert!(!first.is_signed_in().await, "an admin needs a second factor");
    let device = first.make_passkey().await;
    assert!(first.is_signed_in().await, "and has one now");
    (id, device)
}

/// A window of somebody who has shown the password and not the passkey.
async fn halfway<'a>(world: &'a World, name: &str) -> Window<'a> {
    let half = window(world);
    half.sign_in(name).await;
    assert!(!half.is_signed_in().await);
    half
}

#[track_caller]
fn is_refused(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), &answer.json()["kind"]), (401, &"signed_out".into()), "{answer:?}");
    assert!(answer.header("set-cookie").is_none_or(|line| line.contains("Max-Age=0")), "{answer:?}");
}

/// How many refusals of signing in by a wrong passkey, and of showing one, are in the audit log.
async fn refused(world: &World, action: &str) -> usize {
    let key = world.key(&world.acme, world.acme.audrey, "audit:read").await;
    let list = format!("/api/v1/audit?action={action}&outcome=refused&limit=200");
    let records = world.get(&key, &list).await.json();
    records["items"].as_array().unwrap().iter().filter(|record| record.to_string().contains("wrong passkey")).count()
}

on_both! {
    async fn m_14_a_passkey_is_the_second_step_a_fresh_proof_and_the_only_step(world) {
        let (_, device) = with_passkey(world, "adam").await;
        let half = halfway(world, "adam").await;
        let asked = half.ask("show").await;
        assert_eq!(half.show(&asked, &device.show(&asked)).await.status, 200);
        assert!(half.is_signed_in().await);

        let alone = window(world);
        let asked = alone.ask("sign-in").await;
        assert_eq!(alone.come_in(&asked, &device.show(&asked)).await.status, 200);
        assert!(alone.is_signed_in().await);
        world.wait(world.app.config.sessions.step_up);
        let make = [("name", "Lab")];
        assert_eq!(alone.act("organizations/create", &make).await.json()["kind"], "stale");
        let asked = alone.ask("show").await;
        let answer = device.show(&asked);
        let proof = [("proof_ceremony", asked.ceremony.as_str()), ("proof_passkey", answer.as_str())];
        assert_eq!(alone.act("factors/prove", &proof).await.status, 200);
        assert_eq!(alone.act("organizations/create", &make).await.status, 200);
    }

    async fn m_14_what_a_passkey_was_asked_is_answered_once_and_in_time(world) {
        let (_, device) = with_passkey(world, "adam").await;
        let alone = window(world);
        let asked = alone.ask("sign-in").await;
        let answer = device.show(&asked);
        assert_eq!(alone.come_in(&asked, &answer).await.status, 200);
        let thief = window(world);
        is_refused(&thief.come_in(&asked, &answer).await);
        assert!(!thief.is_signed_in().await);

        let half = halfway(world, "adam").await;
        let asked = half.ask("show").await;
        let answer = device.show(&asked);
        let again = half.copy();
        assert_eq!(half.show(&asked, &answer).await.status, 200);
        is_refused(&again.show(&asked, &answer).await);

        let (early, late) = (alone.ask("sign-in").await, alone.ask("sign-in").await);
        world.wait(Duration::from_secs(5 * 60) - Duration::from_micros(1));
        assert_eq!(window(world).come_in(&early, &device.show(&early)).await.status, 200);
        world.wait(Duration::from_micros(1));
        is_refused(&window(world).come_in(&late, &device.show(&late)).await);
    }

    async fn m_14_what_was_asked_for_one_purpose_answers_no_other(world) {
        let (_, device) = with_passkey(world, "adam").await;
        let half = halfway(world, "adam").await;
        let (to_sign_in, to_show) = (half.ask("sign-in").await, half.ask("show").await);
        is_refused(&half.show(&to_sign_in, &device.show(&to_sign_in)).await);
        is_refused(&window(world).come_in(&to_show, &device.show(&to_show)).await);
        assert!(!half.is_signed_in().await);
        let asked = half.ask("show").await;
        assert_eq!(half.show(&asked, &device.show(&asked)).await.status, 200);
        let asked = half.ask("show").await;
        let (_, made) = Device::make(&half.ask("register").await, ORIGIN);
        is_refused(&half.add(&asked, &made).await);
    }

    async fn m_14_what_one_person_was_asked_another_does_not_answer(world) {
        let (adam, device) = with_passkey(world, "adam").await;
        let (_, foreign) = with_passkey(world, "eve").await;
        // Adam is halfway; Eve, who knows his password, brings what she was asked and her own device.
        let (half, eves) = (halfway(world, "adam").await, halfway(world, "eve").await);
        let asked = eves.ask("show").await;
        is_refused(&half.show(&asked, &foreign.show(&asked)).await);
        let asked = half.ask("show").await;
        is_refused(&half.show(&asked, &foreign.show(&asked)).await);
        assert!(!half.is_signed_in().await);
        // Nor is a passkey added to an account by what another was asked.
        let asked = eves.ask("show").await;
        assert_eq!(eves.show(&asked, &foreign.show(&asked)).await.status, 200);
        let asked = half.ask("show").await;
        assert_eq!(half.show(&asked, &device.show(&asked)).await.status, 200);
        let asked = eves.ask("register").await;
        let (_, made) = Device::make(&asked, ORIGIN);
        is_refused(&half.add(&asked, &made).await);
        // A device that says that its passkey is somebody else's signs in nobody.
        let asked = eves.ask("sign-in").await;
        let lying = foreign.show(&asked).replace(&foreign.owner, &device.owner);
        is_refused(&window(world).come_in(&asked, &lying).await);
        let holder = world.app.store.system().holder(world.acme.tenant, adam).await.unwrap();
        assert!(holder.has_factor);
        let asked = half.ask("register").await;
        let (second, made) = Device::make(&asked, ORIGIN);
        assert_eq!(half.add(&asked, &made).await.status, 200);
        let asked = half.ask("sign-in").await;
        assert_eq!(window(world).come_in(&asked, &second.show(&asked)).await.status, 200);
    }

    async fn m_14_a_forged_locked_or_misled_device_signs_nobody_in_and_is_on_record(world) {
        let (_, device) = with_passkey(world, "adam").await;
        let forged = device.forge();
        let misled = device.at("http://localhost:9877");
        let half = halfway(world, "adam").await;
        let alone = window(world);
        for n in 0..3 {
            let lie = |asked: &Asked| match n {
                0 => forged.show(asked),
                1 => device.show_locked(asked),
                _ => misled.show(asked),
            };
            let asked = half.ask("show").await;
            is_refused(&half.show(&asked, &lie(&asked)).await);
            let asked = alone.ask("sign-in").await;
            is_refused(&alone.come_in(&asked, &lie(&asked)).await);
        }
        assert!(!half.is_signed_in().await && !alone.is_signed_in().await);
        assert_eq!((refused(world, "browser_session.open").await, refused(world, "factor.show").await), (3, 3));
        for nonsense in ["", "{}", "null", "[]", "{\"id\":1}"] {
            let asked = alone.ask("sign-in").await;
            let answer = alone.come_in(&asked, nonsense).await;
            assert!([401, 429].contains(&answer.status.as_u16()), "{nonsense}: {answer:?}");
        }
        world.wait(Duration::from_secs(60 * 60 + 1));
        let half = halfway(world, "adam").await;
        let asked = half.ask("show").await;
        assert_eq!(half.show(&asked, &device.show(&asked)).await.status, 200);

        let page = half.get("/account").await.body;
        let form = page.split("/actions/factors/remove-passkey").nth(1).unwrap_or_else(|| panic!("no passkey: {page}"));
        let id = form.split("name=\"id\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(half.act("factors/remove-passkey", &[("id", id)]).await.status, 200);
        let asked = alone.ask("sign-in").await;
        is_refused(&alone.come_in(&asked, &device.show(&asked)).await);
        let alone = window(world);
        alone.sign_in("adam").await;
        assert_eq!(alone.act("factors/ask-passkey", &[("purpose", "show")]).await.status, 401, "there is none to show");
    }
}

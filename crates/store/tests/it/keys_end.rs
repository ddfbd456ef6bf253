//! Expiry notices (M-01): the owner of a key is notified once, two weeks before it expires.
use crate::world::{World, hash, new_key, on_both};
use domain::{
    Actor, KeyId,
    account::AccountNotice,
    policy::{ChangeKey, CreateKey, CreateServiceAccount, KeyExpiryChange, RevokeKey, RotateKey, SetMembership},
    role::Role,
};
use std::time::Duration;
use store::KEY_EXPIRY_NOTICE;

const DAY: Duration = Duration::from_hours(24);

async fn create(world: &World, actor: &Actor, key: CreateKey) -> KeyId {
    let token = format!("mk_{}", uuid::Uuid::new_v4().simple());
    world.change(actor, async |w| w.create_key(actor.may(key)?, &token[..9], hash(&token)).await).await.unwrap()
}

/// Creates a key of Mia's with this name and lifetime.
async fn lasting(world: &World, name: &str, life: Duration) -> KeyId {
    let mia = &world.acme.mia;
    create(world, mia, CreateKey { expires_at: Some(world.now().after(life)), ..new_key(mia, name, "tasks:*") }).await
}

/// Returns the expiry notices of a person, newest first.
async fn notices(world: &World, who: &Actor) -> Vec<String> {
    let events = world.store.read(who).await.unwrap().account_events(50).await.unwrap();
    events.into_iter().filter(|event| event.happened == AccountNotice::KeyEndsSoon).map(|event| event.detail).collect()
}

on_both! {
    async fn m_01_an_owner_is_notified_once_before_a_key_expires(world) {
        let (mia, system) = (&world.acme.mia, world.store.system());
        lasting(world, "deploys", KEY_EXPIRY_NOTICE + 2 * DAY).await;
        lasting(world, "for today", DAY).await;
        create(world, mia, new_key(mia, "permanent", "tasks:*")).await;
        assert_eq!(system.next_due().await.unwrap(), Some(world.now().after(2 * DAY)));
        world.wait(2 * DAY - Duration::from_micros(1));
        system.run_due_work().await.unwrap();
        assert!(notices(world, mia).await.is_empty(), "not yet");
        world.wait(Duration::from_micros(1));
        for _ in 0..2 {
            system.run_due_work().await.unwrap();
            let notices = notices(world, mia).await;
            assert!(matches!(notices.as_slice(), [one] if one.starts_with("deploys (mk_")), "once: {notices:?}");
        }
        assert_eq!(system.next_due().await.unwrap(), None);
        assert!(notices(world, &world.acme.adam).await.is_empty());
    }

    async fn m_01_a_revoked_replaced_or_extended_key_sends_no_expiry_notice(world) {
        let (mia, system) = (&world.acme.mia, world.store.system());
        let owner = mia.person().unwrap();
        let life = KEY_EXPIRY_NOTICE + 2 * DAY;
        let (revoked, replaced, longer) =
            (lasting(world, "revoked", life).await, lasting(world, "replaced", life).await, lasting(world, "longer", life).await);
        world.change(mia, async |w| {
            w.revoke_key(mia.may(RevokeKey { key: revoked, owner, responsible: None })?).await?;
            let rotate = RotateKey { key: replaced, owner, responsible: None, overlap: 20 * DAY };
            w.rotate_key(mia.may(rotate)?, "mk_next", [3; 32]).await?;
            let end = KeyExpiryChange::At(world.now().after(life + DAY));
            let change = ChangeKey { key: longer, owner, responsible: None, name: "longer".into(), networks: domain::Networks::default(), end };
            w.change_key(mia.may(change)?).await
        }).await.unwrap();
        world.wait(2 * DAY);
        system.run_due_work().await.unwrap();
        let of_the_successor = notices(world, mia).await;
        assert_eq!(of_the_successor, ["replaced (mk_next…)"], "which lives as long as the one before was to");
        world.wait(DAY);
        system.run_due_work().await.unwrap();
        assert!(notices(world, mia).await[0].starts_with("longer"));
    }

    async fn m_01_the_responsible_person_is_notified_of_expiring_keys(world) {
        let (acme, mia) = (&world.acme, &world.acme.mia);
        let adam = &acme.adam;
        let responsible = mia.person();
        let robot = world.change(adam, async |w| {
            let new = CreateServiceAccount { name: "Robot".into(), responsible: responsible.unwrap() };
            let robot = w.create_service_account(adam.may(new)?).await?;
            let join = SetMembership { organization: acme.ops, person: robot, role: Role::Member };
            w.set_membership(adam.may(join)?).await.map(|_| robot)
        }).await.unwrap();
        let expires_at = Some(world.now().after(KEY_EXPIRY_NOTICE + DAY));
        let key = CreateKey { owner: robot, responsible, expires_at, ..new_key(mia, "robot's", "tasks:*") };
        create(world, mia, key).await;
        world.wait(DAY);
        world.store.system().run_due_work().await.unwrap();
        assert!(notices(world, mia).await[0].starts_with("robot's"));
    }
}

//! M-01: API keys. Shown once, kept as hashes, gone at once when revoked.
use crate::world::{World, hash, new_key, on_both};
use domain::{
    Actor, KeyId,
    policy::{CreateKey, RevokeKey},
};
use std::time::Duration;
use store::{Error, Result};
use uuid::Uuid;

async fn create(world: &World, actor: &Actor, key: CreateKey, token: &str) -> Result<KeyId> {
    world.change(actor, async |write| write.create_key(actor.may(key)?, &token[..6], hash(token)).await).await
}

async fn works(world: &World, token: &str) -> bool {
    world.store.system().key(hash(token)).await.unwrap().is_some()
}

async fn revoke(world: &World, actor: &Actor, key: KeyId, of: &Actor) -> Result<()> {
    let revoke = RevokeKey { key, owner: of.person().unwrap() };
    world.change(actor, async |write| write.revoke_key(actor.may(revoke)?).await).await
}

on_both! {
    async fn m_01_a_key_is_found_by_its_token_and_listed_by_its_prefix(world) {
        let acme = &world.acme;
        let id = create(world, &acme.mia, new_key(&acme.mia, "deploy script", "tasks:*,audit:read"), "mk_abcdef").await.unwrap();
        let found = world.store.system().key(hash("mk_abcdef")).await.unwrap().unwrap();
        assert_eq!((found.tenant_id, found.id, found.owner_id), (acme.tenant, id, acme.mia.person().unwrap()));
        assert_eq!(found.scopes.to_string(), "tasks:read,tasks:submit,tasks:cancel,audit:read");
        let listed = world.store.read(&acme.mia).await.unwrap().keys().await.unwrap();
        assert_eq!((listed.len(), listed[0].prefix.as_str(), listed[0].name.as_str()), (1, "mk_abc", "deploy script"));
        assert!(!works(world, "mk_abcdeg").await);
    }

    async fn m_01_a_revoked_key_works_no_more_at_once(world) {
        let acme = &world.acme;
        let id = create(world, &acme.mia, new_key(&acme.mia, "k", "tasks:*"), "mk_abcdef").await.unwrap();
        revoke(world, &acme.mia, id, &acme.mia).await.unwrap();
        assert!(!works(world, "mk_abcdef").await);
        assert!(matches!(revoke(world, &acme.mia, id, &acme.mia).await, Err(Error::Conflict(_))));
        assert!(world.store.read(&acme.mia).await.unwrap().key(id).await.unwrap().revoked_at.is_some(), "it stays in the list");
        assert!(matches!(revoke(world, &acme.adam, KeyId(Uuid::now_v7()), &acme.mia).await, Err(Error::NotFound)));
    }

    async fn m_01_an_admin_revokes_anybodys_key_and_others_their_own(world) {
        let acme = &world.acme;
        let id = create(world, &acme.mia, new_key(&acme.mia, "k", "tasks:*"), "mk_abcdef").await.unwrap();
        assert!(matches!(revoke(world, &acme.olga, id, &acme.mia).await, Err(Error::Denied(_))));
        assert!(matches!(revoke(world, &acme.olga, id, &acme.olga).await, Err(Error::NotFound)), "nor as if it were hers");
        assert!(works(world, "mk_abcdef").await);
        revoke(world, &acme.adam, id, &acme.mia).await.unwrap();
        assert!(!works(world, "mk_abcdef").await);
    }

    async fn m_01_a_key_ends_at_its_time(world) {
        let acme = &world.acme;
        let ends = |at| CreateKey { expires_at: Some(at), ..new_key(&acme.mia, "k", "tasks:*") };
        let past = create(world, &acme.mia, ends(world.now()), "mk_past12").await;
        assert!(matches!(past, Err(Error::Invalid(_))), "{past:?}");
        create(world, &acme.mia, ends(world.now().after(Duration::from_secs(60))), "mk_abcdef").await.unwrap();
        world.wait(Duration::from_secs(59));
        assert!(works(world, "mk_abcdef").await);
        world.wait(Duration::from_secs(1));
        assert!(!works(world, "mk_abcdef").await);
    }

    async fn m_01_two_keys_overlap_while_one_takes_the_others_place(world) {
        let mia = &world.acme.mia;
        let old = create(world, mia, new_key(mia, "k", "tasks:*"), "mk_old123").await.unwrap();
        create(world, mia, new_key(mia, "k", "tasks:*"), "mk_new123").await.unwrap();
        assert!(works(world, "mk_old123").await && works(world, "mk_new123").await);
        revoke(world, mia, old, mia).await.unwrap();
        assert!(!works(world, "mk_old123").await && works(world, "mk_new123").await);
    }

    async fn m_01_last_use_is_kept_to_a_minute(world) {
        let mia = &world.acme.mia;
        create(world, mia, new_key(mia, "k", "tasks:*"), "mk_abcdef").await.unwrap();
        let system = world.store.system();
        let touch = async || {
            system.touch_key(&system.key(hash("mk_abcdef")).await.unwrap().unwrap()).await.unwrap();
            system.key(hash("mk_abcdef")).await.unwrap().unwrap().last_used_at
        };
        let begun = world.now();
        assert_eq!(touch().await, Some(begun));
        world.wait(Duration::from_secs(59));
        assert_eq!(touch().await, Some(begun));
        world.wait(Duration::from_secs(1));
        assert_eq!(touch().await, Some(world.now()));
    }

    async fn m_01_the_console_makes_keys_for_others_of_its_own_tenant(world) {
        let (acme, bolt) = (&world.acme, &world.bolt);
        create(world, &acme.console, new_key(&acme.mia, "k", "tasks:*"), "mk_abcdef").await.unwrap();
        let foreign = create(world, &acme.console, new_key(&bolt.mia, "k", "tasks:*"), "mk_foreig").await;
        assert!(matches!(foreign, Err(Error::NotFound)), "{foreign:?}");
        assert!(create(world, &acme.adam, new_key(&acme.mia, "k", "tasks:*"), "mk_adam12").await.is_err());
    }
}

//! Passkeys (M-14): a challenge is answered once and in time, and a passkey belongs to one person.
use crate::{
    raw::Raw,
    world::{World, hash, on_both},
};
use domain::{
    Actor, PasskeyId,
    account::Factor,
    policy::{EnrollFactor, RemoveFactor},
};
use futures::future::join_all;
use std::time::Duration;
use store::{Error, NewPasskey, Result};

/// Time that a browser has to respond.
const LIFE: Duration = Duration::from_mins(5);

async fn add(world: &World, owner: &Actor, credential: &[u8]) -> Result<PasskeyId> {
    let id = PasskeyId(store::new_id());
    let (name, credential_id, body) = ("Phone".into(), credential.into(), "{}".into());
    let new = NewPasskey { id, name, credential_id, body, public_key: vec![], relying_party: "localhost".into() };
    let action = EnrollFactor { owner: owner.person().unwrap(), factor: Factor::Passkey };
    world.change(owner, async |write| write.add_passkey(owner.may(action)?, new).await).await?;
    Ok(id)
}

async fn remove(world: &World, owner: &Actor, id: PasskeyId) -> Result<()> {
    let action = RemoveFactor { owner: owner.person().unwrap(), factor: Factor::Passkey };
    world.change(owner, async |write| write.remove_passkey(owner.may(action)?, id, None).await).await
}

on_both! {
    async fn m_14_a_challenge_is_used_once(world) {
        let system = world.store.system();
        system.create_ceremony(hash("one"), "state of one").await.unwrap();
        system.create_ceremony(hash("two"), "state of two").await.unwrap();
        assert_eq!(system.take_ceremony(hash("three")).await.unwrap(), None);
        assert_eq!(system.take_ceremony(hash("one")).await.unwrap().as_deref(), Some("state of one"));
        assert_eq!(system.take_ceremony(hash("one")).await.unwrap(), None, "once");
        assert_eq!(system.take_ceremony(hash("two")).await.unwrap().as_deref(), Some("state of two"));
        assert!(system.create_ceremony(hash("four"), "a").await.is_ok());
        assert!(system.create_ceremony(hash("four"), "b").await.is_err(), "a token is one ceremony's");
        assert_eq!(system.take_ceremony(hash("four")).await.unwrap().as_deref(), Some("a"));
    }

    /// Of ten concurrent responses, one is verified.
    async fn m_14_concurrent_answers_use_a_challenge_once(world) {
        let system = world.store.system();
        for round in 0..20 {
            let token = hash(&format!("round {round}"));
            system.create_ceremony(token, "options").await.unwrap();
            let taken = join_all((0..10).map(|_| system.take_ceremony(token))).await;
            let taken = taken.into_iter().filter(|taken| taken.as_ref().unwrap().is_some()).count();
            assert_eq!(taken, 1, "round {round}");
        }
    }

    async fn m_14_a_challenge_expires_after_five_minutes(world) {
        let system = world.store.system();
        for token in ["in time", "late", "forgotten"] {
            system.create_ceremony(hash(token), token).await.unwrap();
        }
        world.wait(LIFE - Duration::from_micros(1));
        assert!(system.take_ceremony(hash("in time")).await.unwrap().is_some());
        world.wait(Duration::from_micros(1));
        assert_eq!(system.take_ceremony(hash("late")).await.unwrap(), None);
        let mut raw = Raw::of(world).await;
        assert_eq!(raw.number("select count(*) from ceremony").await, 2);
        system.create_ceremony(hash("next"), "next").await.unwrap();
        assert_eq!(raw.number("select count(*) from ceremony").await, 1, "what nobody answers goes with the next");
    }

    async fn m_14_only_the_hash_of_a_ceremonys_token_is_kept(world) {
        let system = world.store.system();
        system.create_ceremony(hash("the token"), "{}").await.unwrap();
        let mut raw = Raw::of(world).await;
        let kept = raw.number("select count(*) from ceremony where length(token_hash) = 32 and state = '{}'").await;
        assert_eq!(kept, 1);
    }

    async fn m_14_a_passkey_belongs_to_one_person_in_all_tenants(world) {
        let (acme, bolt, system) = (&world.acme, &world.bolt, world.store.system());
        let hers = add(world, &acme.mia, b"phone").await.unwrap();
        for other in [&acme.mia, &acme.ada, &bolt.mia] {
            assert!(matches!(add(world, other, b"phone").await, Err(Error::Conflict(_))), "it is mia's");
        }
        let holder = system.passkey_holder(b"phone").await.unwrap().unwrap();
        assert_eq!((holder.tenant_id, holder.person_id), (acme.tenant, acme.mia.person().unwrap()));
        assert!(system.passkey_holder(b"phon").await.unwrap().is_none());
        let keys = async |who: &Actor| world.store.read(who).await.unwrap().passkey_credentials().await.unwrap().len();
        assert_eq!((keys(&acme.mia).await, keys(&acme.ada).await, keys(&bolt.mia).await), (1, 0, 0));

        for other in [&acme.ada, &acme.adam, &bolt.mia] {
            let used = world.change(other, async |write| write.use_passkey(hers, "{\"stolen\":1}").await).await;
            assert!(matches!(used, Err(Error::NotFound)), "{used:?}");
            assert!(matches!(remove(world, other, hers).await, Err(Error::NotFound)));
        }
        world.change(&acme.mia, async |write| write.use_passkey(hers, "{\"counter\":1}").await).await.unwrap();
        let mut read = world.store.read(&acme.mia).await.unwrap();
        assert_eq!(read.passkey_credentials().await.unwrap()[0].body, "{\"counter\":1}");
        assert_eq!(read.passkeys().await.unwrap()[0].last_used_at, Some(world.now()));
        drop(read);
        remove(world, &acme.mia, hers).await.unwrap();
        assert!(matches!(remove(world, &acme.mia, hers).await, Err(Error::NotFound)));
        assert!(system.passkey_holder(b"phone").await.unwrap().is_none(), "it no longer signs anybody in");
        let used = world.change(&acme.mia, async |write| write.use_passkey(hers, "{}").await).await;
        assert!(matches!(used, Err(Error::NotFound)), "{used:?}");
    }

    async fn m_14_a_person_has_at_most_twenty_passkeys(world) {
        let mia = &world.acme.mia;
        for n in 0..20 {
            add(world, mia, &[n]).await.unwrap();
        }
        assert!(matches!(add(world, mia, &[20]).await, Err(Error::Conflict(_))));
        add(world, &world.acme.ada, &[20]).await.unwrap();
    }
}

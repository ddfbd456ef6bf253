//! Anomalies over time (N-06): review as of the displayed state, inheritance by a rotated key, and retention.
use crate::{
    anomalies::{at, door, fails, found, id_of, uses},
    raw::Raw,
    walls::arrival,
    world::{World, hash, holding, on_both, sealed},
};
use domain::{
    Actor, KeyId, PersonId,
    anomalies::{AnomalyDetails, AnomalyKind},
    policy::{ReviewAnomaly, RevokeKey, RotateKey},
};
use std::time::Duration;
use store::{AnomalyRow, Conflict, Error, Result};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

async fn arrives(world: &World, person: PersonId, device: &str, address: &str) {
    let door = door(world, address);
    world.change(&door, async |write| write.arrive(person, &arrival(device, true)).await).await.unwrap();
}

async fn look(world: &World, row: &AnomalyRow) -> Result<()> {
    let (adam, look) = (&world.acme.adam, ReviewAnomaly { id: row.id, seen: row.last_at });
    world.change(adam, async |write| write.review_anomaly(adam.may(look)?).await).await
}

async fn rotate(world: &World, owner: &Actor, key: &Actor) -> KeyId {
    let rotate = RotateKey { key: id_of(key), owner: owner.person().unwrap(), responsible: None, overlap: HOUR };
    world.change(owner, async |write| write.rotate_key(owner.may(rotate)?, "mk_new", hash("new")).await).await.unwrap()
}

/// Returns the number of rows in each table with a retention period.
async fn kept(raw: &mut Raw) -> Vec<i64> {
    let mut counts = vec![];
    for table in ["key_hour", "key_network", "known_network", "failure_count", "anomaly"] {
        counts.push(raw.number(&format!("select count(*) from {table}")).await);
    }
    counts
}

on_both! {
    async fn n_06_an_anomaly_that_recurred_after_the_page_was_rendered_stays_unreviewed(world) {
        let acme = &world.acme;
        let mia = acme.mia.person().unwrap();
        for address in ["192.0.2.7", "198.51.100.1"] {
            arrives(world, mia, "laptop", address).await;
        }
        let seen = found(world, acme).await.remove(0);
        world.wait(Duration::from_secs(5));
        arrives(world, mia, "laptop", "203.0.113.1").await;
        let refused = look(world, &seen).await;
        assert!(matches!(&refused, Err(Error::Conflict(Conflict::AnomalyRepeated))), "{refused:?}");
        let now = found(world, acme).await.remove(0);
        assert_eq!((now.id, now.times, now.reviewed_at), (seen.id, 2, None), "it waits, with what is new");
        look(world, &now).await.unwrap();
        assert!(found(world, acme).await[0].reviewed_at.is_some());
    }

    /// A transaction that records an anomaly while it holds the audit log, and one that reviews it, lock in the same order.
    async fn n_06_reviewing_an_anomaly_while_it_recurs_is_a_conflict_and_no_deadlock(world) {
        let acme = &world.acme;
        let mia = acme.mia.person().unwrap();
        for _ in 0..10 {
            fails(world, mia, "192.0.2.7").await;
        }
        let seen = found(world, acme).await.remove(0);
        assert_eq!(seen.facts.kind(), AnomalyKind::Guessing);
        world.wait(Duration::from_secs(5));
        let mut again = world.store.write(&door(world, "192.0.2.7")).await.unwrap();
        again.note_refused_sign_in(mia, "wrong password").await.unwrap(); // holds the lock on the log now
        let (store, adam) = (world.store.clone(), acme.adam.clone());
        let proof = adam.may(ReviewAnomaly { id: seen.id, seen: seen.last_at }).unwrap();
        let looking = tokio::spawn(async move {
            let mut write = store.write(&adam).await?;
            write.review_anomaly(proof).await?;
            write.commit().await
        });
        tokio::time::sleep(Duration::from_millis(300)).await; // until it waits
        for _ in 0..9 {
            again.note_refused_sign_in(mia, "wrong password").await.unwrap();
        }
        again.commit().await.unwrap();
        let refused = looking.await.unwrap();
        assert!(matches!(&refused, Err(Error::Conflict(Conflict::AnomalyRepeated))), "{refused:?}");
        assert_eq!(found(world, acme).await[0].times, 20);
    }

    async fn n_06_a_rotated_key_has_the_habits_of_the_old_one(world) {
        let acme = &world.acme;
        let old = world.key(&acme.mia, "tasks:*").await;
        for address in ["192.0.2.7", "198.51.100.7"] {
            uses(world, &old, address, Some(world.now())).await;
        }
        // At noon and at one o'clock, every day for five weeks.
        for _ in 0..35 {
            world.submit(&old, sealed(acme.ops)).await;
            world.wait(HOUR);
            world.submit(&old, sealed(acme.ops)).await;
            world.wait(HOUR * 23);
        }
        assert_eq!(found(world, acme).await.len(), 1, "its second network");
        let new = holding(&acme.mia, rotate(world, &acme.mia, &old).await, "tasks:*");
        for address in ["192.0.2.9", "198.51.100.9"] {
            uses(world, &new, address, None).await;
        }
        world.submit(&new, sealed(acme.ops)).await;
        assert_eq!(found(world, acme).await.len(), 1, "where and when the old one was used is usual for the new one");
        uses(world, &new, "203.0.113.9", Some(world.now())).await;
        assert_eq!(found(world, acme).await[0].facts, AnomalyDetails::KeyNetwork { known: 2 }, "and elsewhere is new at once");
        world.wait(HOUR * 14);
        world.submit(&new, sealed(acme.ops)).await;
        assert!(matches!(found(world, acme).await[0].facts, AnomalyDetails::TaskHour { .. }));
        // Another key of the same person has its own baseline.
        let other = world.key(&acme.mia, "tasks:*").await;
        uses(world, &other, "10.0.0.1", None).await;
        assert_eq!(found(world, acme).await.len(), 3);
    }

    async fn n_06_expired_history_is_deleted_in_batches_also_of_removed_keys_and_people(world) {
        let acme = &world.acme;
        let mia = acme.mia.person().unwrap();
        let key = world.key(&acme.mia, "tasks:*").await;
        for address in ["192.0.2.7", "198.51.100.7", "203.0.113.7"] {
            uses(world, &key, address, Some(world.now())).await;
            arrives(world, mia, "laptop", address).await;
            fails(world, mia, address).await;
            world.submit(&at(&key, address), sealed(acme.ops)).await;
            world.wait(HOUR);
        }
        let revoke = RevokeKey { key: id_of(&key), owner: mia, responsible: None };
        world.change(&acme.mia, async |write| write.revoke_key(acme.mia.may(revoke)?).await).await.unwrap();
        let (system, mut raw) = (world.store.system(), Raw::of(world).await);
        assert!(!system.delete_expired_history(10).await.unwrap());
        let all = kept(&mut raw).await;
        assert_eq!(all[..3], [3, 3, 3], "nothing is too old yet: {all:?}");
        world.wait(DAY * 91);
        let young = world.key(&acme.olga, "tasks:*").await;
        uses(world, &young, "192.0.2.7", None).await;
        world.submit(&young, sealed(acme.ops)).await;
        assert!(system.delete_expired_history(2).await.unwrap(), "there is more than that");
        assert_eq!(kept(&mut raw).await[..4], [2, 2, 1, 0]);
        while system.delete_expired_history(2).await.unwrap() {} // notifications of the anomalies, too
        let left = kept(&mut raw).await;
        assert_eq!(left[..4], [1, 1, 0, 0], "what still counts stays");
        assert_eq!(left[4], all[4], "the list is longer than that");
        world.wait(DAY * 275);
        assert!(!system.delete_expired_history(10).await.unwrap());
        assert_eq!(kept(&mut raw).await, [0; 5]);
    }
}

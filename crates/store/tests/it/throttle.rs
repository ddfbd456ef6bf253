//! Throttling of failed sign-ins: the delay doubles, a success resets it, an hour clears it.
use crate::world::{World, hash, on_both};
use futures::future::join_all;
use std::time::Duration;

/// Returns the remaining delay of a subject.
async fn left(world: &World, who: &str) -> Option<u64> {
    let until = world.store.system().throttled(hash(who)).await.unwrap();
    until.map(|until| until.since(world.now()).as_secs())
}

async fn fail(world: &World, who: &str) {
    world.store.system().note_failure(hash(who)).await.unwrap();
}

on_both! {
    async fn each_failure_from_the_fifth_doubles_the_wait_up_to_fifteen_minutes(world) {
        for _ in 0..4 {
            fail(world, "mia").await;
            assert_eq!(left(world, "mia").await, None);
        }
        for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
            fail(world, "mia").await;
            assert_eq!(left(world, "mia").await, Some(wait));
        }
        assert_eq!(left(world, "ada").await, None, "nobody else waits");
        world.wait(Duration::from_secs(899));
        assert_eq!(left(world, "mia").await, Some(1));
        world.wait(Duration::from_secs(1));
        assert_eq!(left(world, "mia").await, None);
        fail(world, "mia").await;
        assert_eq!(left(world, "mia").await, Some(900), "waiting forgets nothing");
    }

    async fn a_successful_sign_in_ends_the_wait(world) {
        for _ in 0..9 {
            fail(world, "mia").await;
        }
        world.store.system().forget_failures(hash("mia")).await.unwrap();
        assert_eq!(left(world, "mia").await, None);
        fail(world, "mia").await;
        assert_eq!(left(world, "mia").await, None, "and the count starts from zero");
    }

    async fn failures_are_forgotten_after_an_hour(world) {
        for _ in 0..9 {
            fail(world, "mia").await;
        }
        world.wait(Duration::from_hours(1) + Duration::from_micros(1));
        fail(world, "mia").await;
        assert_eq!(left(world, "mia").await, None);
        for _ in 0..4 {
            fail(world, "mia").await;
        }
        assert_eq!(left(world, "mia").await, Some(1));
    }

    async fn concurrent_failures_are_all_counted(world) {
        join_all((0..20).map(|_| fail(world, "mia"))).await;
        assert_eq!(left(world, "mia").await, Some(900));
    }
}

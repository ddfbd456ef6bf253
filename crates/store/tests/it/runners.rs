//! Runner enrollment and revocation (S-01, S-02, S-13): each token enrolls one runner once.
use crate::world::{World, enrolled, hash, on_both};
use domain::{
    Actor, EnrollmentId, Principal, RunnerId,
    policy::{CreateEnrollment, RevokeRunner},
};
use serde_json::json;
use std::time::Duration;
use store::{Error, Result};

fn id(runner: &Actor) -> RunnerId {
    let Principal::Runner(id) = runner.principal else { panic!("not a runner") };
    id
}

async fn offer(world: &World, name: &str, token: [u8; 32]) -> Result<()> {
    let adam = &world.acme.adam;
    let offer = CreateEnrollment { enrollment: EnrollmentId(store::new_id()), name: name.into() };
    world.change(adam, async |write| write.create_enrollment(adam.may(offer)?, token).await).await
}

async fn revoke(world: &World, runner: RunnerId) -> Result<()> {
    let adam = &world.acme.adam;
    world.change(adam, async |write| write.revoke_runner(adam.may(RevokeRunner { runner })?).await).await
}

on_both! {
    async fn s_01_a_token_works_once(world) {
        let acme = &world.acme;
        let token = hash("reg_1");
        offer(world, "build-1", token).await.unwrap();
        assert_eq!(world.store.system().enrollment(token).await.unwrap().unwrap().tenant_id, acme.tenant);
        let used = async || world.change(&acme.console, async |write| write.use_enrollment(token).await).await;
        assert_eq!(used().await.unwrap().name, "build-1");
        assert!(matches!(used().await, Err(Error::NotFound)));
        assert!(world.store.system().enrollment(token).await.unwrap().is_some(), "it is still known whose it was");
    }

    async fn s_01_a_token_used_twice_concurrently_enrolls_one_runner(world) {
        let acme = &world.acme;
        for round in 0..20 {
            let token = hash(&format!("reg_{round}"));
            offer(world, "build", token).await.unwrap();
            let one = world.change(&acme.console, async |write| write.use_enrollment(token).await);
            let two = world.change(&acme.console, async |write| write.use_enrollment(token).await);
            let both = futures::join!(one, two);
            assert!(matches!(both, (Ok(_), Err(Error::NotFound)) | (Err(Error::NotFound), Ok(_))), "{both:?}");
        }
    }

    async fn s_01_a_token_expires_after_an_hour(world) {
        let token = hash("reg_1");
        offer(world, "build-1", token).await.unwrap();
        world.wait(Duration::from_hours(1));
        let used = world.change(&world.acme.console, async |write| write.use_enrollment(token).await).await;
        assert!(matches!(used, Err(Error::NotFound)));
    }

    async fn s_01_an_invalid_runner_name_is_refused(world) {
        for bad in ["", "a b", "Ä", "UPPER", "a/b", "a;b", &"a".repeat(64)] {
            assert!(matches!(offer(world, bad, hash(bad)).await, Err(Error::Invalid(_))), "{bad:?}");
        }
        offer(world, &"a".repeat(63), hash("long")).await.unwrap();
    }

    async fn s_13_a_name_belongs_to_one_active_runner_at_a_time(world) {
        let acme = &world.acme;
        let second = world.change(&acme.console, async |write| write.enroll_runner(enrolled("rex")).await).await;
        assert!(matches!(second, Err(Error::Conflict(_))), "{second:?}");
        revoke(world, id(&acme.rex)).await.unwrap();
        let again = world.runner(acme, "rex").await;
        assert_ne!(id(&again), id(&acme.rex), "with a new identity");
        let mut read = world.store.read(&acme.mia).await.unwrap();
        let runners = read.runners().await.unwrap();
        assert_eq!(runners.iter().map(|runner| runner.revoked_at.is_some()).collect::<Vec<_>>(), [false, true]);
    }

    async fn s_02_a_key_belongs_to_one_runner_of_all_tenants(world) {
        let first = enrolled("first");
        let second = || store::EnrolledRunner { public_key: first.public_key.clone(), ..enrolled("second") };
        world.change(&world.acme.console, async |write| write.enroll_runner(first.clone()).await).await.unwrap();
        for console in [&world.acme.console, &world.bolt.console] {
            let result = world.change(console, async |write| write.enroll_runner(second()).await).await;
            assert!(matches!(result, Err(Error::Conflict(store::Conflict::RunnerKeyTaken))), "{result:?}");
        }
        let named = world.change(&world.acme.console, async |write| write.enroll_runner(enrolled("first")).await).await;
        assert!(matches!(named, Err(Error::Conflict(store::Conflict::RunnerNameTaken))), "{named:?}");
    }

    async fn trap_e13_a_certificate_is_accepted_only_while_its_runner_is_active(world) {
        let acme = &world.acme;
        let (system, runner) = (world.store.system(), id(&acme.rex));
        assert_eq!(system.runner_name(acme.tenant, runner, "serial of rex").await.unwrap().as_deref(), Some("rex"));
        assert_eq!(system.runner_name(acme.tenant, runner, "another").await.unwrap(), None);
        assert_eq!(system.runner_name(world.bolt.tenant, runner, "serial of rex").await.unwrap(), None);
        revoke(world, runner).await.unwrap();
        assert_eq!(system.runner_name(acme.tenant, runner, "serial of rex").await.unwrap(), None);
        let bolt = id(&world.bolt.rex);
        world.wait(Duration::from_hours(24 * 90));
        assert_eq!(system.runner_name(world.bolt.tenant, bolt, "serial of rex").await.unwrap(), None, "nor after its time");
    }

    async fn a_runner_connects_and_disconnects(world) {
        let acme = &world.acme;
        let runner = async || world.store.read(&acme.mia).await.unwrap().runner(id(&acme.rex)).await.unwrap();
        assert!(!runner().await.connected);
        world.change(&acme.rex, async |write| write.runner_connected("2.0", "bash", &json!({ "sandbox": "bubblewrap" }), 4).await).await.unwrap();
        let now = runner().await;
        assert_eq!((now.connected, now.slots, now.version.as_str(), now.last_seen_at), (true, 4, "2.0", Some(world.now())));
        world.wait(Duration::from_secs(10));
        world.change(&acme.rex, async |write| write.touch_runner().await).await.unwrap();
        assert_eq!(runner().await.last_seen_at, Some(world.now()));
        world.change(&acme.rex, async |write| write.runner_disconnected(false).await).await.unwrap();
        assert!(!runner().await.connected);
    }

    async fn s_13_a_revoked_runner_is_rejected(world) {
        let acme = &world.acme;
        revoke(world, id(&acme.rex)).await.unwrap();
        let seen = world.change(&acme.rex, async |write| write.touch_runner().await).await;
        let connected = world.change(&acme.rex, async |write| write.runner_connected("1", "bash", &json!({}), 1).await).await;
        assert!(matches!((seen, connected), (Err(Error::NotFound), Err(Error::NotFound))));
        assert!(matches!(revoke(world, RunnerId(store::new_id())).await, Err(Error::NotFound)), "one that never was is not found");
    }
}

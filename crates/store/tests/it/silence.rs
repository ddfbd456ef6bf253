//! Silent runners (S-12): reported once after 90 seconds, unless the runner was stopped or revoked, or the server could not receive its heartbeats.
use crate::{
    anomalies::found,
    world::{TenantFixture, World, on_both},
};
use domain::{
    Actor, Principal, RunnerId,
    account::AccountNotice,
    anomalies::{AnomalyDetails, AnomalyKind},
    notification::Notification,
    policy::RevokeRunner,
};
use serde_json::json;
use std::time::Duration;
use store::{MAX_PAUSE, Mail, Runner, Store};

const SILENCE: Duration = Duration::from_secs(90);
const MOMENT: Duration = Duration::from_micros(1);

fn id(runner: &Actor) -> RunnerId {
    let Principal::Runner(id) = runner.principal else { unreachable!() };
    id
}

async fn connect(world: &World, runner: &Actor) {
    let connected = async |write: &mut store::Write| write.runner_connected("1", "bash", &json!({}), 1).await;
    world.change(runner, connected).await.unwrap();
}

async fn due(store: &Store) {
    store.system().run_due_work().await.unwrap();
}

async fn runner(world: &World, fixture: &TenantFixture) -> Runner {
    world.store.read(&fixture.adam).await.unwrap().runner(id(&fixture.rex)).await.unwrap()
}

/// Returns the names in the notices about silent runners that a person got.
async fn notices(world: &World, actor: &Actor) -> Vec<String> {
    let events = world.store.read(actor).await.unwrap().account_events(50).await.unwrap();
    events.into_iter().filter(|event| event.happened == AccountNotice::RunnerSilent).map(|event| event.detail).collect()
}

on_both! {
    async fn s_12_a_runner_without_a_heartbeat_for_90_seconds_is_reported_once(world) {
        let acme = &world.acme;
        world.store.enable_mail();
        connect(world, &acme.rex).await;
        assert_eq!(world.store.system().next_due().await.unwrap(), Some(world.now().after(SILENCE)));
        world.wait(SILENCE - MOMENT);
        due(&world.store).await;
        assert!(found(world, acme).await.is_empty() && runner(world, acme).await.connected, "not yet");

        world.wait(MOMENT);
        due(&world.store).await;
        let rows = found(world, acme).await;
        let facts = AnomalyDetails::RunnerSilent { runner: id(&acme.rex), name: "rex".into(), seconds: 90 };
        assert_eq!((rows.len(), &rows[0].facts, rows[0].times), (1, &facts, 1));
        assert_eq!((runner(world, acme).await.silent_at, runner(world, acme).await.connected), (Some(world.now()), false));
        assert_eq!(notices(world, &acme.adam).await, ["rex"]);
        for other in [&acme.mia, &acme.olga, &acme.audrey, &world.bolt.adam] {
            assert!(notices(world, other).await.is_empty(), "only admins are notified");
        }
        let mail = world.store.system().take_mail().await.unwrap().unwrap();
        let person = acme.adam.person().unwrap();
        assert_eq!(mail.mail, Mail::Notifications { person, event: Notification::RunnerSilent });
        assert!(world.store.system().take_mail().await.unwrap().is_none(), "one mail");

        let records = world.records(acme).await;
        world.wait(SILENCE * 100);
        due(&world.store).await;
        assert_eq!(world.records(acme).await, records, "nothing more until it is seen again");
        assert_eq!((found(world, acme).await[0].times, notices(world, &acme.adam).await.len()), (1, 1));
        assert!(found(world, &world.bolt).await.is_empty());
    }

    async fn s_12_a_runner_that_was_seen_again_is_reported_again(world) {
        let acme = &world.acme;
        for times in 1..=2 {
            connect(world, &acme.rex).await;
            assert_eq!(runner(world, acme).await.silent_at, None);
            for _ in 0..10 {
                world.wait(SILENCE - MOMENT);
                world.change(&acme.rex, async |write| write.touch_runner().await).await.unwrap();
                due(&world.store).await;
            }
            world.wait(SILENCE);
            due(&world.store).await;
            let rows = found(world, acme).await;
            assert_eq!((rows.len(), rows[0].times, rows[0].kind), (1, times, AnomalyKind::RunnerSilent));
            assert_eq!(i64::try_from(notices(world, &acme.adam).await.len()).unwrap(), times);
        }
    }

    async fn s_12_runners_that_fall_silent_together_are_one_notice(world) {
        let acme = &world.acme;
        connect(world, &acme.rex).await;
        for name in ["r1", "r2", "r3", "r4", "r5"] {
            let runner = world.runner(acme, name).await;
            connect(world, &runner).await;
        }
        world.wait(SILENCE);
        due(&world.store).await;
        assert_eq!(found(world, acme).await.len(), 6);
        let notices = notices(world, &acme.adam).await;
        assert!(notices.len() == 1 && notices[0].matches(" · ").count() == 4 && notices[0].ends_with(" …"), "{notices:?}");
    }

    async fn s_12_a_stopped_a_revoked_and_a_never_connected_runner_are_not_reported(world) {
        let (acme, bolt) = (&world.acme, &world.bolt);
        let (never, revoked) = (world.runner(acme, "never").await, world.runner(acme, "revoked").await);
        for runner in [&acme.rex, &revoked, &bolt.rex] {
            connect(world, runner).await;
        }
        world.change(&acme.rex, async |write| write.runner_disconnected(true).await).await.unwrap();
        world.change(&acme.rex, async |write| write.runner_disconnected(false).await).await.unwrap();
        world.change(&bolt.rex, async |write| write.runner_disconnected(false).await).await.unwrap();
        let revoke = RevokeRunner { runner: id(&revoked) };
        world.change(&acme.adam, async |write| write.revoke_runner(acme.adam.may(revoke)?).await).await.unwrap();
        world.wait(SILENCE * 2);
        due(&world.store).await;
        assert!(found(world, acme).await.is_empty(), "{never:?}");
        assert_eq!(found(world, bolt).await.len(), 1, "a connection that broke is no orderly stop");
        assert!(runner(world, acme).await.stopped);
        connect(world, &acme.rex).await;
        assert!(!runner(world, acme).await.stopped, "it was started again");
    }

    /// While the server was down nobody could receive heartbeats.
    async fn s_12_the_silence_begins_again_with_the_server(world) {
        let acme = &world.acme;
        connect(world, &acme.rex).await;
        world.wait(SILENCE * 10);
        let node = match world.is_sqlite() {
            true => {
                world.store.close().await; // one server uses the database at a time
                world.another_node().await
            }
            false => world.another_node().await,
        };
        let found = async || {
            let proof = acme.adam.may(domain::policy::ReadAudit).unwrap();
            let mut read = node.read(&acme.adam).await.unwrap();
            read.anomalies(&proof, store::AnomalyFilter::default(), None, 9).await.unwrap().items.len()
        };
        assert_eq!(node.system().next_due().await.unwrap(), Some(world.now().after(SILENCE)));
        due(&node).await;
        assert_eq!(found().await, 0, "no alarm at the start");
        world.wait(SILENCE - MOMENT);
        due(&node).await;
        assert_eq!(found().await, 0);
        world.wait(MOMENT);
        due(&node).await;
        assert_eq!(found().await, 1, "it is still silent");
        node.close().await;
    }
}

on_both! {
    /// While the process or the machine is paused, no heartbeats are received.
    async fn s_12_the_silence_begins_again_after_a_pause_of_the_server(world) {
        let acme = &world.acme;
        connect(world, &acme.rex).await;
        let run = |span: Duration| {
            for _ in 0..span.as_secs() {
                world.wait(Duration::from_secs(1));
                world.store.note_running();
            }
        };
        run(Duration::from_secs(60));
        world.wait(SILENCE);
        world.store.note_running();
        assert_eq!(world.store.system().next_due().await.unwrap(), Some(world.now().after(SILENCE)));
        due(&world.store).await;
        assert!(found(world, acme).await.is_empty(), "no alarm after the pause");
        run(SILENCE - Duration::from_secs(1));
        due(&world.store).await;
        assert!(found(world, acme).await.is_empty());
        run(Duration::from_secs(1));
        due(&world.store).await;
        assert_eq!(found(world, acme).await.len(), 1, "it is still silent");
    }

    async fn s_12_a_slow_check_is_no_pause(world) {
        let acme = &world.acme;
        connect(world, &acme.rex).await;
        for _ in 0..3 {
            world.wait(MAX_PAUSE);
            world.store.note_running();
        }
        due(&world.store).await;
        assert_eq!(found(world, acme).await.len(), 1);
    }
}

/// Both nodes find the runner silent at the same moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_12_several_nodes_report_a_silent_runner_once() {
    let world = World::postgres().await;
    let (acme, node) = (&world.acme, world.another_node().await);
    for times in 1..=5 {
        connect(&world, &acme.rex).await;
        world.wait(SILENCE);
        tokio::join!(due(&world.store), due(&node));
        assert_eq!(found(&world, acme).await[0].times, times);
        assert_eq!(i64::try_from(notices(&world, &acme.adam).await.len()).unwrap(), times);
    }
    node.close().await;
    world.end().await;
}

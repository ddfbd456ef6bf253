//! Overview figures: open and finished tasks that the actor can see.
use crate::world::{World, lease, needs_approval, on_both, sealed, task};
use domain::{Actor, Timestamp, receipt::End, task::TaskState};
use serde_json::json;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

/// Runs a task of Mia's with a waiting time and an end.
async fn run(world: &World, visibility: &str, wait: Duration, end: End) {
    let acme = &world.acme;
    world.submit(&acme.mia, task(acme.ops, json!({ "title": format!("{end:?}"), "visibility": visibility }))).await;
    world.wait(wait);
    let taken = world.claim(&acme.rex).await.unwrap();
    world.start(&acme.rex, lease(&taken)).await;
    world.finish(&acme.rex, &taken, end).await.unwrap();
}

/// Returns day, state, count, started, total wait and longest wait, with waits in seconds.
async fn days(world: &World, actor: &Actor, since: Timestamp) -> Vec<(i64, TaskState, i64, i64, i64, i64)> {
    let rows = world.store.read(actor).await.unwrap().finished_tasks_by_day(since).await.unwrap();
    let second = |micros: i64| micros / 1_000_000;
    rows.iter()
        .map(|row| (row.day_index, row.state, row.n, row.started, second(row.wait), second(row.longest)))
        .collect()
}

on_both! {
    async fn finished_tasks_are_counted_by_day_and_state(world) {
        let acme = &world.acme;
        run(world, "private", Duration::from_secs(9), End::Exited(0)).await; // before the requested period
        let since = Timestamp(world.now().0 + 1);
        world.wait(Duration::from_secs(1));
        run(world, "private", Duration::from_secs(5), End::Exited(0)).await;
        run(world, "org", Duration::from_secs(7), End::Exited(0)).await;
        world.wait(DAY);
        run(world, "org", Duration::from_secs(2), End::Exited(1)).await;
        let approval = world.approval_request(&world.submit(&acme.mia, needs_approval(acme.ops)).await).await;
        world.decide(&acme.ada, &approval, domain::approval::Answer::Deny).await.unwrap();

        let all = [
            (0, TaskState::Succeeded, 2, 2, 12, 7),
            (1, TaskState::Denied, 1, 0, 0, 0),
            (1, TaskState::Failed, 1, 1, 2, 2),
        ];
        assert_eq!(days(world, &acme.mia, since).await, all);
        assert_eq!(days(world, &acme.adam, since).await, all);
        let shared = [(0, TaskState::Succeeded, 1, 1, 7, 7), (1, TaskState::Failed, 1, 1, 2, 2)];
        assert_eq!(days(world, &acme.vera, since).await, shared, "what others keep private is not counted");
        for stranger in [&acme.sam, &world.bolt.mia, &world.bolt.adam] {
            assert!(days(world, stranger, since).await.is_empty());
        }
    }

    async fn failed_tasks_are_listed_newest_first(world) {
        let acme = &world.acme;
        let since = world.now();
        for end in [End::Exited(1), End::Exited(0), End::TimedOut] {
            run(world, "org", Duration::from_secs(1), end).await;
        }
        let states = async |actor: &Actor, since| -> Vec<_> {
            let rows = world.store.read(actor).await.unwrap().failed_since(since, 5).await.unwrap();
            rows.into_iter().map(|row| row.state).collect()
        };
        assert_eq!(states(&acme.vera, since).await, [TaskState::TimedOut, TaskState::Failed]);
        assert!(states(&acme.sam, since).await.is_empty() && states(&world.bolt.adam, since).await.is_empty());
        assert!(states(&acme.vera, Timestamp(world.now().0 + 1)).await.is_empty());
    }

    async fn visible_open_tasks_are_counted(world) {
        let acme = &world.acme;
        for _ in 0..2 {
            world.submit(&acme.mia, sealed(acme.ops)).await;
        }
        world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let open = async |actor: &Actor| {
            let counts = world.store.read(actor).await.unwrap().open_counts().await.unwrap();
            (counts[&TaskState::Queued], counts[&TaskState::AwaitingApproval], counts[&TaskState::Running])
        };
        assert_eq!((open(&acme.mia).await, open(&acme.adam).await), ((2, 1, 0), (2, 1, 0)));
        assert_eq!((open(&acme.ada).await, open(&acme.sam).await), ((0, 1, 0), (0, 0, 0)));
        assert_eq!(open(&world.bolt.adam).await, (0, 0, 0));
    }
}

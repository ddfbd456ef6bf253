//! Quotas of tasks and of stored bytes per day (K-07).
use crate::world::{World, on_both, sealed};
use domain::{
    Actor, Timestamp,
    log::{Line, Stream},
};
use std::time::Duration;
use store::{Error, Lease, Limited, Quota, QuotaExceeded, Quotas, Submitted};

const DAY: Duration = Duration::from_hours(24);

async fn submit(world: &World, who: &Actor) -> Result<Submitted, Error> {
    let task = sealed(world.acme.ops);
    world.change(who, async |write| write.submit_task(who.may(task)?).await).await
}

async fn tasks_today(world: &World, who: &Actor) -> (i64, Option<i64>) {
    let mut read = world.store.read(who).await.unwrap();
    let own = read.usage_today(world.now()).await.unwrap().tasks;
    (own, read.tenant_usage_today(world.now()).await.unwrap().map(|usage| usage.tasks))
}

async fn bytes_today(world: &World, who: &Actor) -> i64 {
    world.store.read(who).await.unwrap().usage_today(world.now()).await.unwrap().bytes
}

/// Submits and starts a task.
async fn running(world: &World, who: &Actor) -> Lease {
    submit(world, who).await.unwrap();
    let taken = world.claim(&world.acme.rex).await.unwrap();
    world.start(&world.acme.rex, taken.lease).await;
    taken.lease
}

fn one_line(length: usize) -> Vec<Line> {
    vec![Line::new(Timestamp(1_700_000_000_000_000), Stream::Stdout, "x".repeat(length))]
}

#[track_caller]
fn exceeded(result: Result<Submitted, Error>) -> QuotaExceeded {
    match result {
        Err(Error::Quota(exceeded)) => exceeded,
        other => panic!("{other:?}"),
    }
}

on_both! {
    async fn k_07_quotas_of_tasks_hold_for_a_day_and_for_each_person(world) {
        let quota = |tasks| Quota { tasks: Some(tasks), bytes: None };
        world.store.set_quotas(Quotas { person: quota(2), tenant: quota(3) });
        let (mia, ada, adam) = (&world.acme.mia, &world.acme.ada, &world.acme.adam);
        submit(world, mia).await.unwrap();
        submit(world, mia).await.unwrap();
        let refused = exceeded(submit(world, mia).await);
        assert_eq!((refused.limited, refused.of_tenant, refused.limit), (Limited::Tasks, false, 2));
        assert!(refused.wait <= DAY && !refused.wait.is_zero(), "{refused:?}");
        submit(world, ada).await.unwrap();
        assert!(exceeded(submit(world, ada).await).of_tenant);
        assert_eq!(tasks_today(world, mia).await, (2, None), "refused tasks do not count");
        assert_eq!(tasks_today(world, adam).await, (0, Some(3)));

        world.wait(refused.wait);
        assert_eq!(tasks_today(world, adam).await, (0, Some(0)));
        submit(world, mia).await.unwrap();
    }

    async fn k_07_output_counts_as_it_is_stored_and_ends_at_the_quota(world) {
        let acme = &world.acme;
        world.store.set_quotas(Quotas { person: Quota { tasks: None, bytes: Some(100_000) }, ..Quotas::default() });
        submit(world, &acme.mia).await.unwrap();
        let runner = &acme.rex;
        let taken = world.claim(runner).await.unwrap();
        let lease = Lease { task: taken.lease.task, attempt: taken.lease.attempt };
        world.start(runner, lease).await;
        let empty = vec![Line::new(Timestamp(1_700_000_000_000_000), Stream::Stdout, String::new()); 1_000];
        let before = world.store.read(&acme.mia).await.unwrap().usage_today(world.now()).await.unwrap().bytes;
        let append = async |first| world.change(runner, async |write| write.append_lines(lease, first, &empty).await).await;
        append(1).await.unwrap();
        let used = world.store.read(&acme.mia).await.unwrap().usage_today(world.now()).await.unwrap();
        assert!(used.bytes - before > 40_000, "an empty line costs more than a line feed: {used:?}");
        assert_eq!(used.tasks, 1);
        assert!(matches!(append(1_001).await, Err(Error::Invalid(invalid)) if invalid.field == "output"));
    }

    /// What the server does with output beyond the quota: the task fails, and what was refused is neither stored nor charged.
    async fn k_07_output_beyond_the_quota_is_neither_stored_nor_charged(world) {
        let acme = &world.acme;
        let (lease, line) = (running(world, &acme.mia).await, one_line(500));
        let stored = i64::try_from(serde_json::to_string(&line).unwrap().len()).unwrap();
        let before = bytes_today(world, &acme.mia).await;
        let limit = before + 2 * stored;
        world.store.set_quotas(Quotas { person: Quota { tasks: None, bytes: Some(limit) }, ..Quotas::default() });
        for first in 1..=2 {
            world.change(&acme.rex, async |write| write.append_lines(lease, first, &line).await).await.unwrap();
        }
        assert_eq!(bytes_today(world, &acme.mia).await, limit, "up to the last byte");
        let mut write = world.store.write(&acme.rex).await.unwrap();
        assert!(matches!(write.append_lines(lease, 3, &line).await, Err(Error::Invalid(_))));
        write.refuse_task(lease, "too much").await.unwrap();
        write.commit().await.unwrap();
        assert_eq!(bytes_today(world, &acme.mia).await, limit);
        let mut read = world.store.read(&acme.mia).await.unwrap();
        assert_eq!(read.log(lease.task, lease.attempt, 1).await.unwrap().next_line, 3, "two lines are stored");
    }

    /// Several people use up the last bytes of their tenant at the same time.
    async fn k_07_concurrent_output_does_not_exceed_the_quota_of_the_tenant(world) {
        let acme = &world.acme;
        let people = [&acme.mia, &acme.ada, &acme.abe, &acme.olga];
        let mut leases = vec![];
        for person in people {
            leases.push(running(world, person).await);
        }
        let line = one_line(2_000);
        let stored = i64::try_from(serde_json::to_string(&line).unwrap().len()).unwrap();
        let total = async || world.store.read(&acme.adam).await.unwrap().tenant_usage_today(world.now()).await.unwrap().unwrap().bytes;
        // Ten and a half lines for all of them.
        let limit = total().await + 10 * stored + stored / 2;
        world.store.set_quotas(Quotas { tenant: Quota { tasks: None, bytes: Some(limit) }, ..Quotas::default() });
        let append = async |lease: Lease| {
            let mut accepted = 0;
            for first in 1..=10 {
                let appended = world.change(&acme.rex, async |write| write.append_lines(lease, first, &line).await).await;
                match appended {
                    Ok(_) => accepted += 1,
                    Err(Error::Invalid(_)) => break,
                    Err(error) => panic!("{error}"),
                }
            }
            accepted
        };
        let [a, b, c, d] = [leases[0], leases[1], leases[2], leases[3]];
        let (a, b, c, d) = tokio::join!(append(a), append(b), append(c), append(d));
        assert_eq!(a + b + c + d, 10);
        assert_eq!(total().await, limit - stored / 2);
    }

    async fn k_07_without_quotas_usage_is_counted_only(world) {
        for _ in 0..5 {
            submit(world, &world.acme.mia).await.unwrap();
        }
        assert_eq!(tasks_today(world, &world.acme.mia).await.0, 5);
        assert_eq!(tasks_today(world, &world.bolt.adam).await, (0, Some(0)), "another tenant");
    }
}

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
        let empty = vec![Line { at: Timestamp(1_700_000_000_000_000), stream: Stream::Stdout, text: String::new() }; 1_000];
        let before = world.store.read(&acme.mia).await.unwrap().usage_today(world.now()).await.unwrap().bytes;
        let append = async |first| world.change(runner, async |write| write.append_lines(lease, first, &empty).await).await;
        append(1).await.unwrap();
        let used = world.store.read(&acme.mia).await.unwrap().usage_today(world.now()).await.unwrap();
        assert!(used.bytes - before > 40_000, "an empty line costs more than a line feed: {used:?}");
        assert_eq!(used.tasks, 1);
        assert!(matches!(append(1_001).await, Err(Error::Invalid(invalid)) if invalid.field == "output"));
    }

    async fn k_07_without_quotas_usage_is_counted_only(world) {
        for _ in 0..5 {
            submit(world, &world.acme.mia).await.unwrap();
        }
        assert_eq!(tasks_today(world, &world.acme.mia).await.0, 5);
        assert_eq!(tasks_today(world, &world.bolt.adam).await, (0, Some(0)), "another tenant");
    }
}

//! Emergency actions (K-09): locking people, ending sessions, freezing a tenant, stopping tasks.
use crate::{
    raw::Raw,
    world::{World, email, hash, lease, needs_approval, on_both, sealed},
};
use domain::{
    Actor, BrowserSessionId, SignedInBy,
    policy::{
        CreateOrganization, EndBrowserSessions, FreezeTenant, LockPerson, StopTasks, Stopped, UnfreezeTenant,
        UnlockPerson,
    },
    receipt::End,
    task::TaskState,
};
use futures::{future::join_all, join};
use std::time::Duration;
use store::{Error, NewBrowserSession, Result, SignInBasis};

async fn open(world: &World, who: &Actor, token: &str) -> BrowserSessionId {
    let id = BrowserSessionId(store::new_id());
    let (token_hash, expires_at) = (hash(token), world.now().after(Duration::from_hours(1)));
    let (device, address) = ("Firefox on Linux".into(), "192.0.2.7".into());
    let new = NewBrowserSession {
        token_hash,
        id,
        person: who.person().unwrap(),
        by: SignedInBy::Password,
        basis: SignInBasis::Password(None),
        second_factor_verified: true,
        device,
        address,
        authenticated_at: world.now(),
        expires_at,
    };
    world.store.system().open_browser_session(who, new).await.unwrap();
    id
}

async fn is_open(world: &World, token: &str) -> bool {
    world.store.system().session(hash(token), Duration::from_hours(1)).await.unwrap().is_some()
}

async fn freeze(world: &World) -> Result<()> {
    let adam = &world.acme.adam;
    world.change(adam, async |write| write.freeze(adam.may(FreezeTenant {})?).await).await
}

async fn thaw(world: &World) -> Result<()> {
    let adam = &world.acme.adam;
    world.change(adam, async |write| write.unfreeze(adam.may(UnfreezeTenant {})?).await).await
}

async fn stop(world: &World, by: &Actor, whose: Stopped) -> Result<usize> {
    world.change(by, async |write| write.stop_tasks(by.may(StopTasks { whose })?).await).await
}

on_both! {
    async fn k_09_a_locked_person_has_no_access_until_unlocked(world) {
        let acme = &world.acme;
        let (mia, adam) = (acme.mia.person().unwrap(), &acme.adam);
        open(world, &acme.mia, "mia").await;
        open(world, &acme.ada, "ada").await;
        let lock = async || world.change(adam, async |write| write.lock_person(adam.may(LockPerson { person: mia })?).await).await;
        let unlock = async || world.change(adam, async |write| write.unlock_person(adam.may(UnlockPerson { person: mia })?).await).await;
        assert!(matches!(unlock().await, Err(Error::Conflict(_))));
        lock().await.unwrap();
        assert!(!is_open(world, "mia").await && is_open(world, "ada").await);
        let system = world.store.system();
        let locked = async || system.credentials(&email("mia", "acme")).await.unwrap()[0].locked_at.is_some();
        assert!(locked().await);
        assert!(matches!(system.holder(acme.tenant, mia).await, Err(Error::NotFound)));
        assert!(world.store.read(adam).await.unwrap().person(mia).await.unwrap().locked_at.is_some());
        assert!(matches!(lock().await, Err(Error::Conflict(_))), "once");
        unlock().await.unwrap();
        assert!(!locked().await);
        let elsewhere = world.bolt.mia.person().unwrap();
        let lock = world.change(adam, async |write| write.lock_person(adam.may(LockPerson { person: elsewhere })?).await).await;
        assert!(matches!(lock, Err(Error::NotFound)), "{lock:?}");
    }

    async fn k_09_all_sessions_end_except_the_one_that_ends_them(world) {
        let acme = &world.acme;
        let here = open(world, &acme.adam, "here").await;
        for (who, token) in [(&acme.adam, "adam"), (&acme.mia, "mia"), (&acme.ada, "ada"), (&world.bolt.mia, "bolt")] {
            open(world, who, token).await;
        }
        let end = async |of| {
            let adam = &acme.adam;
            world.change(adam, async |write| write.end_all_browser_sessions(adam.may(EndBrowserSessions { of })?, Some(here)).await).await.unwrap()
        };
        assert_eq!(end(acme.mia.person()).await, 1);
        assert!(!is_open(world, "mia").await && is_open(world, "ada").await);
        assert_eq!(end(None).await, 2);
        assert!(is_open(world, "here").await && is_open(world, "bolt").await);
    }

    async fn k_09_a_frozen_tenant_is_readable_and_nothing_starts(world) {
        let acme = &world.acme;
        world.submit(&acme.mia, sealed(acme.ops)).await;
        let running = world.claim(&acme.rex).await.unwrap();
        world.start(&acme.rex, lease(&running)).await;
        let waiting = world.submit(&acme.mia, sealed(acme.ops)).await;
        let approval = world.approval_request(&world.submit(&acme.mia, needs_approval(acme.ops)).await).await;

        freeze(world).await.unwrap();
        assert!(matches!(freeze(world).await, Err(Error::Conflict(_))));
        assert_eq!(world.store.read(&acme.mia).await.unwrap().frozen_since().await.unwrap(), Some(world.now()));
        let submitted = world.change(&acme.mia, async |write| write.submit_task(acme.mia.may(sealed(acme.ops))?).await).await;
        assert!(matches!(submitted, Err(Error::Conflict(_))), "{submitted:?}");
        let decided = world.decide(&acme.ada, &approval, domain::approval::Answer::Approve).await;
        assert!(matches!(decided, Err(Error::Conflict(_))), "{decided:?}");
        let new = || CreateOrganization { name: "New".into() };
        let made = world.change(&acme.adam, async |write| write.create_organization(acme.adam.may(new())?).await).await;
        assert!(matches!(made, Err(Error::Conflict(_))), "{made:?}");
        assert!(world.claim(&acme.rex).await.is_none(), "nothing is handed out");
        assert_eq!(world.store.read(&acme.mia).await.unwrap().task(waiting.id).await.unwrap().state, TaskState::Queued);

        world.finish(&acme.rex, &running, End::Exited(0)).await.unwrap();
        open(world, &acme.mia, "mia").await;
        world.submit(&world.bolt.mia, sealed(world.bolt.ops)).await;

        thaw(world).await.unwrap();
        assert!(matches!(thaw(world).await, Err(Error::Conflict(_))));
        assert_eq!(world.claim(&acme.rex).await.unwrap().lease.task, waiting.id);
        assert!(world.decide(&acme.ada, &approval, domain::approval::Answer::Approve).await.is_ok());
    }

    /// A runner that was assigned a task just before must drop it, and the task has not failed.
    async fn k_09_a_task_assigned_before_a_freeze_does_not_start(world) {
        let acme = &world.acme;
        let task = world.submit(&acme.mia, sealed(acme.ops)).await.id;
        let taken = world.claim(&acme.rex).await.unwrap();
        let start = async |taken: &store::Assignment| world.change(&acme.rex, async |w| w.start_task(lease(taken)).await).await;
        freeze(world).await.unwrap();
        assert!(!start(&taken).await.unwrap(), "it is to let go");
        assert_eq!(world.state(acme, task).await, TaskState::Queued);
        assert!(matches!(start(&taken).await, Err(Error::NotFound)), "it no longer holds a lease");
        assert!(world.claim(&acme.rex).await.is_none());
        thaw(world).await.unwrap();
        let again = world.claim(&acme.rex).await.unwrap();
        assert_eq!((again.lease.task, again.lease.attempt), (task, 2));
        assert!(start(&again).await.unwrap());
        world.finish(&acme.rex, &again, End::Exited(0)).await.unwrap();

        let task = world.submit(&acme.mia, sealed(acme.ops)).await.id;
        for attempt in 1..=domain::task::MAX_ATTEMPTS {
            let taken = world.claim(&acme.rex).await.unwrap();
            assert_eq!(taken.lease.attempt, attempt);
            freeze(world).await.unwrap();
            assert!(!start(&taken).await.unwrap());
            thaw(world).await.unwrap();
        }
        assert_eq!(world.state(acme, task).await, TaskState::Lost, "no more starts were approved");
        let task = world.submit(&acme.mia, sealed(acme.ops)).await.id;
        let ran = world.claim(&acme.rex).await.unwrap();
        freeze(world).await.unwrap();
        world.finish(&acme.rex, &ran, End::Exited(0)).await.unwrap();
        assert_eq!(world.state(acme, task).await, TaskState::Succeeded, "a task that ran before the freeze reports its end");
    }

    async fn k_09_only_running_and_waiting_tasks_are_stopped(world) {
        let acme = &world.acme;
        let state = async |task| world.store.read(&acme.adam).await.unwrap().task(task).await.unwrap().state;
        let first = world.submit(&acme.mia, sealed(acme.ops)).await.id;
        let running = world.claim(&acme.rex).await.unwrap();
        world.start(&acme.rex, lease(&running)).await;
        let queued = world.submit(&acme.mia, sealed(acme.ops)).await.id;
        let waiting = world.submit(&acme.mia, needs_approval(acme.ops)).await.id;
        let (elsewhere, lab) =
            (world.submit(&world.bolt.mia, sealed(world.bolt.ops)).await.id, world.submit(&acme.olga, sealed(acme.lab)).await.id);
        assert_eq!(stop(world, &acme.olga, Stopped::Of(acme.ops)).await.unwrap(), 3, "an owner stops what is theirs");
        assert!(matches!(stop(world, &acme.olga, Stopped::WholeTenant).await, Err(Error::Denied(_))));
        assert_eq!((state(first).await, state(queued).await, state(waiting).await), (TaskState::Running, TaskState::Cancelled, TaskState::Cancelled));
        assert!(world.store.read(&acme.rex).await.unwrap().leased_tasks().await.unwrap()[0].cancel_requested, "its runner is notified");
        assert_eq!(state(lab).await, TaskState::Queued);
        assert_eq!(stop(world, &acme.adam, Stopped::By(acme.mia.person().unwrap())).await.unwrap(), 0, "its running task is already being canceled");
        assert_eq!(stop(world, &acme.adam, Stopped::WholeTenant).await.unwrap(), 1);
        assert_eq!(state(lab).await, TaskState::Cancelled);
        let there = world.store.read(&world.bolt.adam).await.unwrap().task(elsewhere).await.unwrap().state;
        assert_eq!(there, TaskState::Queued);
        for unknown in [Stopped::Of(world.bolt.ops), Stopped::By(world.bolt.mia.person().unwrap())] {
            assert!(matches!(stop(world, &acme.adam, unknown).await, Err(Error::NotFound)), "{unknown:?}");
        }
        let stops = "select count(*) from audit where action = 'task.stop'";
        assert_eq!(Raw::of(world).await.number(stops).await, 4);
    }

    /// All transactions lock rows first and the audit log afterwards.
    async fn k_09_stopping_all_tasks_does_not_deadlock_with_tasks_that_end(world) {
        let acme = &world.acme;
        for _ in 0..10 {
            let mut taken = vec![];
            for _ in 0..6 {
                world.submit(&acme.mia, sealed(acme.ops)).await;
                let one = world.claim(&acme.rex).await.unwrap();
                world.start(&acme.rex, lease(&one)).await;
                taken.push(one);
            }
            let ends = join_all(taken.iter().rev().map(|one| world.finish(&acme.rex, one, End::Exited(0))));
            let (stopped, ends) = join!(stop(world, &acme.adam, Stopped::WholeTenant), ends);
            stopped.unwrap();
            for end in ends {
                assert_eq!(end.unwrap(), TaskState::Succeeded);
            }
        }
    }
}

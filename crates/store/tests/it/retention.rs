//! Retention (M-16): each kind of data is deleted after its days, in batches, with an audit event; a legal hold stops it.
use crate::{
    anomalies::{door, found},
    raw::Raw,
    walls::arrival,
    world::{TenantFixture, World, lease, on_both, receipt, sealed},
};
use domain::{
    Actor, TaskId, Timestamp,
    audit::Record,
    log::{Line, Stream},
    policy::{FreezeTenant, LiftLegalHold, ReadAudit, SetLegalHold, SetRetention, UnfreezeTenant},
    receipt::End,
    retention::{RetentionDays, RetentionKind, RetentionTimes},
};
use serde_json::{Value, json};
use std::time::Duration;
use store::{Conflict, Error, Result, VerifiedLog};

const DAY: Duration = Duration::from_hours(24);

/// Runs a task that prints a line.
async fn print(world: &World, fixture: &TenantFixture) -> TaskId {
    world.submit(&fixture.mia, sealed(fixture.ops)).await;
    let taken = world.claim(&fixture.rex).await.unwrap();
    world.start(&fixture.rex, lease(&taken)).await;
    let line = Line::new(world.now(), Stream::Stdout, "printed");
    let receipt = receipt(&fixture.rex, &taken, End::Exited(0), "printed\n");
    world
        .change(&fixture.rex, async |write| {
            write.append_lines(lease(&taken), 1, &[line]).await?;
            write.finish_task(lease(&taken), &receipt, vec![1]).await
        })
        .await
        .unwrap();
    lease(&taken).task
}

fn times(days: &[(RetentionKind, i64)]) -> RetentionTimes {
    days.iter().map(|(kind, days)| (*kind, Some(RetentionDays::try_from(*days).unwrap()))).collect()
}

async fn set(world: &World, fixture: &TenantFixture, days: &[(RetentionKind, i64)]) {
    let (adam, set) = (&fixture.adam, SetRetention { times: times(days) });
    world.change(adam, async |write| write.set_retention(adam.may(set)?).await).await.unwrap();
}

async fn hold(world: &World, admin: &Actor) -> Result<()> {
    let set = SetLegalHold { reason: "case 7".into() };
    world.change(admin, async |write| write.set_legal_hold(admin.may(set)?).await).await
}

async fn lift(world: &World, admin: &Actor) -> Result<()> {
    world.change(admin, async |write| write.lift_legal_hold(admin.may(LiftLegalHold {})?).await).await
}

/// Runs retention to its end, and returns the number of batches.
async fn run(world: &World, most: u32) -> usize {
    let mut batches = 1;
    while world.store.system().delete_expired_history(most).await.unwrap() {
        batches += 1;
    }
    batches
}

/// Returns the details of the events about deletions in a tenant, with their sequence numbers.
async fn deletions(world: &World, fixture: &TenantFixture) -> Vec<(i64, Record)> {
    let proof = fixture.audrey.may(ReadAudit).unwrap();
    let filter = store::AuditFilter { action: Some("retention.delete".into()), ..Default::default() };
    let page = world.store.read(&fixture.audrey).await.unwrap().audit(&proof, filter, None, 100).await.unwrap();
    page.items.into_iter().rev().map(|row| (row.seq, serde_json::from_str(&row.body).unwrap())).collect()
}

async fn deleted(world: &World, fixture: &TenantFixture) -> Vec<Value> {
    deletions(world, fixture).await.into_iter().map(|(_, record)| record.detail["deleted"].clone()).collect()
}

async fn verify(world: &World, fixture: &TenantFixture) -> VerifiedLog {
    let proof = fixture.audrey.may(ReadAudit).unwrap();
    let mut read = world.store.read(&fixture.audrey).await.unwrap();
    read.verify_audit(&proof, &Default::default()).await.unwrap().unwrap()
}

/// Returns how many starts cannot be explained by the audit log.
async fn unexplained_starts(world: &World, fixture: &TenantFixture) -> usize {
    let proof = fixture.audrey.may(ReadAudit).unwrap();
    let mut write = world.store.snapshot(&fixture.audrey).await.unwrap();
    write.verify_starts(&proof, None, 100).await.unwrap().unexplained.len()
}

/// Returns the numbers of the expired rows under the saved times.
async fn expired(world: &World, fixture: &TenantFixture, days: &[(RetentionKind, i64)]) -> Vec<i64> {
    let proof = fixture.audrey.may(ReadAudit).unwrap();
    let mut read = world.store.read(&fixture.audrey).await.unwrap();
    let all = read.expired(&proof, &times(days)).await.unwrap();
    assert!(all.values().all(|expired| !expired.more));
    days.iter().map(|(kind, _)| all[kind].count).collect()
}

fn before(world: &World, days: u32) -> Timestamp {
    world.now().before(DAY * days)
}

on_both! {
    async fn m_16_output_and_results_are_deleted_after_their_days_and_not_a_day_earlier(world) {
        let (acme, bolt) = (&world.acme, &world.bolt);
        let days = [(RetentionKind::Output, 30), (RetentionKind::Results, 31)];
        set(world, acme, &days).await;
        let (old, other) = (print(world, acme).await, print(world, bolt).await);
        world.wait(DAY);
        let young = print(world, acme).await;
        world.wait(DAY * 29);
        assert_eq!(expired(world, acme, &days).await, [0, 0]);
        run(world, 10).await;
        let task = async |id| world.store.read(&acme.mia).await.unwrap().task(id).await.unwrap();
        assert_eq!((task(old).await.output_deleted_at, deleted(world, acme).await.len()), (None, 0), "exactly 30 days");
        world.wait(DAY);
        assert_eq!(expired(world, acme, &days).await, [1, 0], "the preview");
        run(world, 10).await;
        let at = world.now();
        assert_eq!(deleted(world, acme).await, [json!({ "output": { "count": 1, "before": before(world, 30) } })]);
        let gone = task(old).await;
        assert_eq!((gone.output_deleted_at, gone.result_deleted_at), (Some(at), None));
        assert!(gone.read_receipt().is_some() && gone.next_line == 2);
        let mut read = world.store.read(&acme.mia).await.unwrap();
        for refused in [
            read.log(old, 1, 1).await.err(),
            read.log_between(old, 1, 1, 9).await.err(),
            read.find_in_log(old, 1, "printed", 9).await.err(),
        ] {
            assert!(matches!(refused, Some(Error::OutputDeleted(time)) if time == at), "{refused:?}");
        }
        assert_eq!(read.log(young, 1, 1).await.unwrap().lines.len(), 1);
        drop(read);
        world.wait(DAY);
        run(world, 10).await;
        let both = json!({ "output": { "count": 1, "before": before(world, 30) }, "results": { "count": 1, "before": before(world, 31) } });
        assert_eq!(deleted(world, acme).await[1], both);
        let gone = task(old).await;
        assert_eq!((gone.end(), gone.read_receipt(), gone.receipt_signature.is_some()), (None, None, false));
        assert_eq!((gone.result_deleted_at, gone.state), (Some(world.now()), domain::task::TaskState::Succeeded));
        assert!(task(young).await.output_deleted_at.is_some() && task(young).await.end().is_some());
        // What is kept explains the start, and the audit log still states the result.
        assert_eq!(unexplained_starts(world, acme).await, 0);
        let history = world.store.read(&acme.mia).await.unwrap().task_history(old).await.unwrap();
        let finish = history.iter().find(|row| row.action == "task.finish").unwrap();
        assert!(finish.body.contains("output_sha256"));
        verify(world, acme).await;
        let mut read = world.store.read(&bolt.mia).await.unwrap();
        assert_eq!(read.log(other, 1, 1).await.unwrap().lines.len(), 1, "another tenant keeps its output");
        assert!(read.task(other).await.unwrap().end().is_some());
        drop(read);
        assert_eq!(deleted(world, bolt).await, Vec::<Value>::new());
    }

    async fn m_16_anomalies_and_the_sign_in_history_are_deleted_after_their_days(world) {
        let acme = &world.acme;
        let days = [(RetentionKind::Anomalies, 10), (RetentionKind::SignIns, 20)];
        for fixture in [acme, &world.bolt] {
            for address in ["192.0.2.7", "198.51.100.7"] {
                let door = Actor { tenant: fixture.tenant, ..door(world, address) };
                let device = arrival(&format!("laptop at {address}"), true);
                let mia = fixture.mia.person().unwrap();
                world.change(&door, async |write| write.arrive(mia, &device).await).await.unwrap();
            }
        }
        let mut raw = Raw::of(world).await;
        let tenant = raw.id(acme.tenant.0);
        let mut kept = async |table: &str| raw.number(&format!("select count(*) from {table} where tenant_id = {tenant}")).await;
        let events = kept("account_event").await;
        assert_eq!((found(world, acme).await.len(), kept("known_device").await, kept("known_network").await), (1, 2, 2));
        assert!(events > 0);
        set(world, acme, &days).await;
        world.wait(DAY * 10);
        run(world, 10).await;
        assert_eq!(found(world, acme).await.len(), 1);
        world.wait(DAY);
        assert_eq!(expired(world, acme, &days).await, [1, 0]);
        run(world, 10).await;
        assert_eq!((found(world, acme).await.len(), kept("known_device").await), (0, 2));
        world.wait(DAY * 9);
        run(world, 10).await;
        assert_eq!((kept("account_event").await, kept("known_device").await, kept("known_network").await), (events, 2, 2));
        world.wait(DAY);
        assert_eq!(expired(world, acme, &days).await, [0, events + 3]);
        run(world, 10).await;
        assert_eq!((kept("account_event").await, kept("known_device").await, kept("known_network").await), (0, 1, 0), "the last browser stays");
        assert_eq!(deleted(world, acme).await, [
            json!({ "anomalies": { "count": 1, "before": before(world, 20) } }),
            json!({ "sign_ins": { "count": events + 3, "before": before(world, 20) } }),
        ]);
        assert_eq!(found(world, &world.bolt).await.len(), 1, "another tenant has the default of a year");
        world.wait(DAY * 345);
        run(world, 10).await;
        assert_eq!(found(world, &world.bolt).await.len(), 0);
    }

    async fn m_16_the_chain_verifies_after_personal_data_was_erased(world) {
        let (acme, bolt) = (&world.acme, &world.bolt);
        print(world, acme).await;
        let old = world.records(acme).await;
        let bolt_before = verify(world, bolt).await;
        let days = [(RetentionKind::PersonalData, 100)];
        world.wait(DAY * 100);
        set(world, acme, &days).await;
        run(world, 10).await;
        assert_eq!(deletions(world, acme).await.len(), 0, "exactly 100 days");
        world.wait(DAY);
        let counted = expired(world, acme, &days).await;
        run(world, 1).await;
        let records = deletions(world, acme).await;
        let sizes: Vec<_> = records.iter().map(|(_, record)| record.erased().into_iter().flatten().count()).collect();
        assert!(sizes.len() > 1 && sizes.iter().all(|size| (1..=10).contains(size)), "bounded transactions: {sizes:?}");
        let mut erased: Vec<_> = records.iter().flat_map(|(_, record)| record.erased()).flatten().collect();
        erased.sort(); // events of one moment are erased in any order
        assert_eq!(erased, (1..=old).collect::<Vec<_>>(), "younger events keep their names");
        assert_eq!(counted, [old]);
        let verified = verify(world, acme).await;
        assert_eq!(verified.erased, u64::try_from(old).unwrap());
        let (audrey, proof) = (&acme.audrey, acme.audrey.may(ReadAudit).unwrap());
        let mut read = world.store.read(audrey).await.unwrap();
        assert_eq!(read.audit_record(&proof, 3).await.unwrap().personal, None);
        assert_eq!(read.erasure_of(&proof, 3).await.unwrap(), Some(records[0].0));
        assert!(read.audit_record(&proof, old + 1).await.unwrap().personal.is_some());
        drop(read);
        // The event about a deletion causes no further one.
        world.wait(DAY * 101);
        run(world, 10).await;
        let count = deletions(world, acme).await.len();
        world.wait(DAY * 300);
        run(world, 10).await;
        assert_eq!((deletions(world, acme).await.len(), expired(world, acme, &days).await), (count, vec![0]));
        verify(world, acme).await;
        assert_eq!(verify(world, bolt).await.erased, bolt_before.erased);
    }

    async fn m_16_a_legal_hold_and_a_freeze_stop_all_deletion(world) {
        let (acme, adam) = (&world.acme, &world.acme.adam);
        let task = print(world, acme).await;
        set(world, acme, &[(RetentionKind::Output, 1), (RetentionKind::PersonalData, 1)]).await;
        hold(world, adam).await.unwrap();
        assert!(matches!(hold(world, adam).await, Err(Error::Conflict(Conflict::LegalHoldExists))));
        let proof = acme.audrey.may(ReadAudit).unwrap();
        let shown = world.store.read(&acme.audrey).await.unwrap().retention(&proof).await.unwrap().hold.unwrap();
        assert_eq!((shown.reason.as_str(), shown.at), ("case 7", world.now()));
        assert!(shown.by.is_some_and(|name| name.starts_with("adam")));
        let output = async || world.store.read(&acme.mia).await.unwrap().log(task, 1, 1).await.is_ok();
        for _ in 0..3 {
            world.wait(DAY * 400);
            run(world, 10).await;
        }
        assert!(output().await && deletions(world, acme).await.is_empty());
        world.change(adam, async |write| write.freeze(adam.may(FreezeTenant {})?).await).await.unwrap();
        assert!(matches!(lift(world, adam).await, Err(Error::Conflict(Conflict::TenantFrozen))));
        world.change(adam, async |write| write.unfreeze(adam.may(UnfreezeTenant {})?).await).await.unwrap();
        lift(world, adam).await.unwrap();
        assert!(matches!(lift(world, adam).await, Err(Error::Conflict(Conflict::NoLegalHold))));
        world.change(adam, async |write| write.freeze(adam.may(FreezeTenant {})?).await).await.unwrap();
        run(world, 10).await;
        assert!(output().await && deletions(world, acme).await.is_empty(), "a frozen tenant");
        world.change(adam, async |write| write.unfreeze(adam.may(UnfreezeTenant {})?).await).await.unwrap();
        world.wait(DAY);
        run(world, 10).await;
        assert!(!output().await && deletions(world, acme).await.len() == 1);
        let history = world.store.read(&acme.audrey).await.unwrap().audit(&proof, Default::default(), None, 50).await.unwrap();
        let holds = history.items.iter().rev().map(|row| row.action.as_str()).filter(|action| action.starts_with("legal_hold"));
        assert_eq!(holds.collect::<Vec<_>>(), ["legal_hold.set", "legal_hold.lift"]);
    }

    async fn m_16_a_run_deletes_in_batches_and_records_one_event(world) {
        let acme = &world.acme;
        for _ in 0..5 {
            print(world, acme).await;
            world.wait(Duration::from_secs(1));
        }
        set(world, acme, &[(RetentionKind::Output, 1), (RetentionKind::Results, 1)]).await;
        world.wait(DAY * 2);
        let (system, mut raw) = (world.store.system(), Raw::of(world).await);
        let mut left = async || raw.number("select count(*) from task_log").await;
        assert!(system.delete_expired_history(2).await.unwrap());
        assert_eq!((left().await, deletions(world, acme).await.len()), (3, 0), "two tasks in a batch, no event yet");
        assert!(system.delete_expired_history(2).await.unwrap());
        assert!(!system.delete_expired_history(2).await.unwrap());
        assert_eq!(left().await, 0);
        let all = json!({ "count": 5, "before": before(world, 1) });
        assert_eq!(deleted(world, acme).await, [json!({ "output": all, "results": all })]);
        print(world, acme).await;
        assert_eq!(run(world, 2).await, 1, "the next run is due a day later, on whatever node");
        world.wait(DAY);
        run(world, 2).await;
        assert_eq!(deletions(world, acme).await.len(), 1, "the last task is not old enough");
    }

    /// The event names what earlier batches deleted, although a hold ends the run.
    async fn m_16_a_run_that_a_hold_ends_is_recorded(world) {
        let acme = &world.acme;
        for _ in 0..2 {
            print(world, acme).await;
            world.wait(Duration::from_secs(1));
        }
        set(world, acme, &[(RetentionKind::Output, 1)]).await;
        world.wait(DAY * 2);
        assert!(world.store.system().delete_expired_history(1).await.unwrap());
        hold(world, &acme.adam).await.unwrap();
        run(world, 1).await;
        assert_eq!(deleted(world, acme).await, [json!({ "output": { "count": 1, "before": before(world, 1) } })]);
        assert_eq!(Raw::of(world).await.number("select count(*) from task_log").await, 1);
    }

    async fn m_16_a_change_of_the_times_is_recorded_with_the_former_ones(world) {
        let acme = &world.acme;
        set(world, acme, &[(RetentionKind::Output, 30)]).await;
        set(world, acme, &[(RetentionKind::Output, 7), (RetentionKind::SignIns, 3_650)]).await;
        let proof = acme.audrey.may(ReadAudit).unwrap();
        let mut read = world.store.read(&acme.audrey).await.unwrap();
        let kept = read.retention(&proof).await.unwrap();
        assert_eq!(kept.times, times(&[(RetentionKind::Output, 7), (RetentionKind::SignIns, 3_650)]));
        let filter = store::AuditFilter { action: Some("retention.set".into()), ..Default::default() };
        let details: Vec<_> = read.audit(&proof, filter, None, 9).await.unwrap().items.into_iter()
            .map(|row| serde_json::from_str::<Record>(&row.body).unwrap().detail).collect();
        assert_eq!(details, [
            json!({ "days": { "output": 7, "sign_ins": 3650 }, "former_days": { "output": 30 } }),
            json!({ "days": { "output": 30 }, "former_days": { "anomalies": 365 } }),
        ]);
        let other = world.store.read(&world.bolt.audrey).await.unwrap().retention(&world.bolt.audrey.may(ReadAudit).unwrap()).await.unwrap();
        assert_eq!(other.times, times(&[(RetentionKind::Anomalies, 365)]));
    }
}

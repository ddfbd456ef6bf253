//! Synthetic tasks resemble real ones.
use crate::{raw::Raw, world::on_both};
use domain::{audit::Verifier, policy::ReadAudit, request::RequestDigest, task::TaskState};
use store::TaskFilter;

on_both! {
    async fn seeded_tasks_are_in_every_state_and_the_chain_verifies(world) {
        let acme = &world.acme;
        let begun = std::time::Instant::now();
        world.store.system().seed(acme.tenant, 2_500).await.unwrap();
        world.store.system().seed(acme.tenant, 7).await.unwrap(); // more tasks of the same people
        eprintln!("2,507 tasks in {:?}", begun.elapsed());
        let mut raw = Raw::of(world).await;
        assert_eq!(raw.number("select count(*) from task").await, 2_507);
        assert_eq!(raw.number("select count(*) from person where name like 'Load %'").await, 12);
        assert!(raw.number("select count(*) from task_label").await >= 5_000);
        assert!(raw.number("select count(*) from task_log").await > 1_000);

        let mut read = world.store.read(&acme.adam).await.unwrap();
        let counts = read.task_counts(&TaskFilter::default()).await.unwrap();
        for state in TaskState::ALL.iter().filter(|state| **state != TaskState::Submitted) {
            assert!(counts[state] > 0, "{state}");
        }
        let page = read.tasks(&TaskFilter::default(), None, 100).await.unwrap();
        assert!(page.items.is_sorted_by(|newer, older| newer.created_at >= older.created_at));
        for row in page.items {
            let task = read.task(row.id).await.unwrap();
            assert_eq!(RequestDigest::of(task.request.as_bytes()), task.request_digest);
            assert_eq!(task.read_request().unwrap().requester, task.owner_id);
            let log = read.log(task.id, 1, 1).await.unwrap();
            assert_eq!(log.next_line, task.next_line);
            assert!(!read.task_history(task.id).await.unwrap().is_empty());
            assert_eq!(read.approval_of(task.id).await.unwrap().is_some(), task.required_approval);
        }
        let mut verifier = Verifier::new(acme.tenant);
        for row in read.audit_from(&acme.adam.may(ReadAudit).unwrap(), 0, 100_000).await.unwrap() {
            verifier.take(&row).unwrap();
        }
        let head = read.audit_head().await.unwrap();
        assert_eq!(verifier.head(), (head.seq, head.hash));
        drop(read);

        world.store.system().run_due_work().await.unwrap();
        let mut read = world.store.read(&acme.adam).await.unwrap();
        assert_eq!(*read.task_counts(&TaskFilter::default()).await.unwrap(), *counts, "nothing of it is due");
    }

    /// The benchmark of claims starts from such a queue; some of its tasks were approved.
    async fn a_seeded_queue_can_be_claimed(world) {
        let acme = &world.acme;
        world.store.system().seed_queue(acme.tenant, 20).await.unwrap();
        let claimed = world.change(&acme.rex, async |write| write.claim_tasks(&["bash".into()], 30).await).await.unwrap();
        assert_eq!(claimed.len(), 20);
        // Verification explains sample tasks of every state, too.
        world.store.system().seed(acme.tenant, 400).await.unwrap();
        let mut snapshot = world.store.snapshot(&acme.console).await.unwrap();
        let starts = snapshot.verify_starts(&acme.console.may(ReadAudit).unwrap(), None, 500).await.unwrap();
        assert!(starts.count > 200, "{}", starts.count);
        assert_eq!(starts.unexplained, []);
        assert!(claimed.iter().any(|assignment| !assignment.consent.decisions.is_empty()));
    }
}

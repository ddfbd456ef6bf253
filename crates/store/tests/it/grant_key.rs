//! Rotation of the grant key (X1) with every kind of statement about open tasks.
use crate::{
    passkey_approvals::{demand, register, statement},
    tampering::Robot,
    world::{World, decision, needs_approval, on_both},
};
use domain::{
    approval::{Answer, ApprovalState},
    policy::{Decide, ReadAudit, RotateGrantKey},
    task::TaskState,
};
use store::{Settings, Store};
use testkit::{Authenticator, change, signer, successor};

/// Opens the database with a grant key.
async fn with_key(world: &World, signer: std::sync::Arc<dyn domain::consent::Signer>) -> Store {
    Store::open(Settings { signer, ..world.settings([7; 32]) }).await.unwrap()
}

on_both! {
    /// Assertions, own decisions, a service account, a request that was opened again, and several versions of the rules.
    async fn x1_every_statement_about_an_open_task_has_the_new_key_after_a_rotation(world) {
        let (acme, console) = (&world.acme, &world.acme.console);
        let robot = Robot::create(world).await;
        let (of_ada, _) = register(world, &acme.ada).await;
        let (of_abe, _) = register(world, &acme.abe).await;
        let approve = async |store: &Store, approver: &domain::Actor, task, device: &Authenticator| {
            let request = store.read(approver).await.unwrap().approval_of(task).await.unwrap().unwrap();
            let signed = statement(acme.tenant, &request, approver.person().unwrap(), Answer::Approve);
            let decide = Decide { assertion: Some(device.sign(&signed)), ..decision(&request, Answer::Approve) };
            change(store, approver, async |w| w.decide(approver.may(decide)?).await).await.unwrap()
        };
        let reopened = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        assert_eq!(approve(&world.store, &acme.ada, reopened.id, &of_ada).await, ApprovalState::Approved);
        demand(world, 2, true).await;
        assert!(world.claim(&acme.rex).await.is_none());
        assert_eq!(world.state(acme, reopened.id).await, TaskState::AwaitingApproval);
        demand(world, 1, true).await;
        let own = robot.approved(world, 1).await;
        let free = {
            demand(world, 1, false).await;
            let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
            world.decide(&acme.abe, &world.approval_request(&task).await, Answer::Approve).await.unwrap();
            task
        };

        let both = with_key(world, successor(2, &[1])).await;
        let proof = console.may(RotateGrantKey { key: [2; 32] }).unwrap();
        let signed = change(&both, console, async |write| write.sign_again(proof).await).await.unwrap();
        assert_eq!(signed, Some(7), "the rules, three judgments and three decisions");
        both.close().await;

        // A key that replaced none accepts only its own signatures.
        let store = with_key(world, signer(2)).await;
        assert!(store.read(&acme.adam).await.unwrap().rules().await.is_ok());
        assert_eq!(approve(&store, &acme.abe, reopened.id, &of_abe).await, ApprovalState::Approved);
        let claimed = change(&store, &acme.rex, async |write| write.claim_tasks(&["bash".into()], 5).await).await.unwrap();
        let mut tasks: Vec<_> = claimed.iter().map(|taken| taken.lease.task).collect();
        tasks.sort();
        assert_eq!(tasks, [reopened.id, own.id, free.id]);
        for taken in &claimed {
            let is_new = |message: &[u8], signature: &[u8]| signer(2).verifies(message, signature);
            assert!(taken.consent.judgment.is_by(&is_new));
            assert!(!taken.consent.decisions.is_empty() && taken.consent.decisions.iter().all(|one| one.is_by(&is_new)));
        }
        let proof = console.may(ReadAudit).unwrap();
        let starts = store.snapshot(console).await.unwrap().verify_starts(&proof, None, 100).await.unwrap();
        assert_eq!((starts.count, starts.unexplained), (3, vec![]));
        store.close().await;
    }
}

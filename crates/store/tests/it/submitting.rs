//! Task submission (S-09): idempotent, with cancellation.
use crate::world::{needs_approval, on_both, sealed, task};
use domain::{
    Actor, TaskId,
    network::NetworkPolicy,
    policy::{CancelTask, ChangeRules, SubmitTask},
    receipt::End,
    rule::{Rule, Rules, Verdict},
    task::{Submission, TaskState},
    visibility::Visibility,
};
use futures::future::join_all;
use serde_json::json;
use store::{Error, Submitted, TaskFilter};

fn keyed(task: SubmitTask, key: &str) -> SubmitTask {
    SubmitTask { idempotency_key: Some(key.into()), ..task }
}

fn stop(actor: &Actor, task: TaskId, organization: domain::OrganizationId) -> CancelTask {
    CancelTask { task, owner: actor.person().unwrap(), organization }
}

on_both! {
    async fn a_05_a_new_task_is_private_sealed_and_bound_to_its_request(world) {
        let acme = &world.acme;
        let made = world.submit(&acme.mia, sealed(acme.ops)).await;
        let mut read = world.store.read(&acme.mia).await.unwrap();
        let task = read.task(made.id).await.unwrap();
        assert_eq!((task.visibility, task.network, task.state), (Visibility::Private, NetworkPolicy::Isolated, TaskState::Queued));
        assert_eq!((task.attempt, task.owner_id, task.key_id, task.required_approval), (0, acme.mia.person().unwrap(), None, false));
        let request = task.read_request().unwrap();
        assert_eq!((request.tenant, request.requester), (acme.tenant, acme.mia.person().unwrap()));
        assert_eq!(domain::request::RequestDigest::of(task.request.as_bytes()), task.request_digest);
        assert_eq!(task.submission().unwrap().script, "echo hi");
        assert_eq!(made.request_digest, task.request_digest);
        assert!(read.approval_of(made.id).await.unwrap().is_none());
    }

    async fn d_04_a_purpose_and_a_ticket_are_part_of_the_signed_request(world) {
        let acme = &world.acme;
        let of = world.submit(&acme.mia, sealed(acme.ops)).await;
        let (purpose, ticket) = ("Certificates expire\non Friday", "https://tickets.example/1");
        let fields = json!({ "purpose": purpose, "ticket": ticket, "rerun_of": of.id });
        let made = world.submit(&acme.mia, task(acme.ops, fields)).await;
        let stored = world.store.read(&acme.mia).await.unwrap().task(made.id).await.unwrap();
        let request = stored.read_request().unwrap();
        assert_eq!((request.v, request.purpose.as_deref(), request.ticket.as_deref()), (2, Some(purpose), Some(ticket)));
        assert_eq!((request.rerun_of, stored.submission().unwrap().purpose.as_deref()), (Some(of.id), Some(purpose)));
        let runner = world.runner(acme, "rita").await;
        let first = world.claim(&runner).await.expect("a request of version 1");
        let second = world.claim(&runner).await.expect("a request of version 2");
        assert_eq!([first.lease.task, second.lease.task], [of.id, made.id]);
    }

    async fn d_04_a_rule_can_require_a_purpose_and_approval_requires_a_title(world) {
        let acme = &world.acme;
        let verdict = Verdict::Ask { approvers: 1, hours: 24, passkey: false };
        let rule = Rule { requires_purpose: true, ..Rule::new("why", verdict) };
        let change = ChangeRules { rules: Rules::new(vec![rule]).unwrap(), version: 1 };
        world.change(&acme.adam, async |write| write.change_rules(acme.adam.may(change)?).await).await.unwrap();
        let submit = async |task: SubmitTask| {
            world.change(&acme.mia, async |write| write.submit_task(acme.mia.may(task)?).await).await
        };
        let refused = |result: store::Result<Submitted>| match result {
            Err(Error::Invalid(invalid)) => invalid.field,
            other => panic!("not refused: {other:?}"),
        };
        let with_purpose = || task(acme.ops, json!({ "purpose": "Rotation" }));
        let submission = Submission { has_title: false, ..with_purpose().submission };
        let untitled = SubmitTask { submission, idempotency_key: None };
        assert_eq!(refused(submit(sealed(acme.ops)).await), "purpose");
        assert_eq!(refused(submit(untitled).await), "title");
        let made = submit(with_purpose()).await.unwrap();
        assert_eq!(made.state, TaskState::AwaitingApproval);
    }

    async fn m_01_a_task_names_the_key_that_submitted_it(world) {
        let acme = &world.acme;
        let key = world.key(&acme.mia, "tasks:*").await;
        let made = world.submit(&key, sealed(acme.ops)).await;
        let task = world.store.read(&acme.mia).await.unwrap().task(made.id).await.unwrap();
        assert_eq!((task.owner_id, task.key_id), (acme.mia.person().unwrap(), key.key()));
        assert_eq!(task.read_request().unwrap().key, key.key());
    }

    async fn s_09_fifty_concurrent_requests_with_one_idempotency_key_create_one_task(world) {
        let acme = &world.acme;
        let submit = || world.submit(&acme.mia, keyed(needs_approval(acme.ops), "deploy-17"));
        let made: Vec<Submitted> = join_all((0..50).map(|_| submit())).await;
        assert_eq!(made.iter().filter(|task| !task.repeated).count(), 1);
        assert!(made.iter().all(|task| (task.id, task.request_digest) == (made[0].id, made[0].request_digest)));
        let mut read = world.store.read(&acme.mia).await.unwrap();
        assert_eq!(read.tasks(&TaskFilter::default(), None, 100).await.unwrap().items.len(), 1);
        assert_eq!(read.task_history(made[0].id).await.unwrap().len(), 1, "and one record of it");
        assert_eq!(read.approvals(&store::ApprovalFilter::default(), None, 100).await.unwrap().items.len(), 1, "and one approval");
    }

    async fn s_09_an_idempotency_key_returns_its_task_in_its_present_state(world) {
        let acme = &world.acme;
        let first = world.submit(&acme.mia, keyed(sealed(acme.ops), "k")).await;
        let taken = world.claim(&acme.rex).await.unwrap();
        world.finish(&acme.rex, &taken, End::Exited(0)).await.unwrap();
        let again = world.submit(&acme.mia, keyed(sealed(acme.ops), "k")).await;
        assert_eq!((again.id, again.state, again.repeated), (first.id, TaskState::Succeeded, true));
        assert!(world.claim(&acme.rex).await.is_none(), "the same key never runs twice");
    }

    async fn s_09_an_idempotency_key_is_bound_to_one_person_and_one_request(world) {
        let acme = &world.acme;
        let first = world.submit(&acme.mia, keyed(sealed(acme.ops), "k")).await;
        let other = keyed(task(acme.ops, json!({ "script": "echo ho" })), "k");
        let result = world.change(&acme.mia, async |write| write.submit_task(acme.mia.may(other)?).await).await;
        assert!(matches!(result, Err(Error::Conflict(_))), "{result:?}");
        let hers = world.submit(&acme.ada, keyed(sealed(acme.ops), "k")).await;
        let theirs = world.submit(&world.bolt.mia, keyed(sealed(world.bolt.ops), "k")).await;
        assert!(!hers.repeated && !theirs.repeated && hers.id != first.id);
    }

    async fn s_09_an_idempotency_key_is_visible_ascii_of_bounded_length(world) {
        let acme = &world.acme;
        for bad in ["", " ", "a b", "ü", "a\n", &"k".repeat(256)] {
            let submit = keyed(sealed(acme.ops), bad);
            let result = world.change(&acme.mia, async |write| write.submit_task(acme.mia.may(submit)?).await).await;
            assert!(matches!(&result, Err(Error::Invalid(invalid)) if invalid.field == "idempotency_key"), "{bad:?}: {result:?}");
        }
        world.submit(&acme.mia, keyed(sealed(acme.ops), &"k".repeat(255))).await;
    }

    async fn a_rule_that_refuses_denies_the_task_at_once(world) {
        let acme = &world.acme;
        let rule = Rule::new("nothing", Verdict::Refuse);
        let change = ChangeRules { rules: Rules::new(vec![rule]).unwrap(), version: 1 };
        world.change(&acme.adam, async |write| write.change_rules(acme.adam.may(change)?).await).await.unwrap();
        let made = world.submit(&acme.mia, sealed(acme.ops)).await;
        let task = world.store.read(&acme.mia).await.unwrap().task(made.id).await.unwrap();
        assert_eq!((task.state, task.rule.as_str(), task.ended_at), (TaskState::Denied, "nothing", Some(world.now())));
        assert!(world.claim(&acme.rex).await.is_none());
    }

    /// Changed rules do not affect earlier verdicts.
    async fn only_one_of_two_concurrent_rule_changes_succeeds(world) {
        let acme = &world.acme;
        let change = || ChangeRules { rules: Rules::new(vec![]).unwrap(), version: 1 };
        let one = world.change(&acme.adam, async |write| write.change_rules(acme.adam.may(change())?).await);
        let two = world.change(&acme.console, async |write| write.change_rules(acme.console.may(change())?).await);
        let both = futures::join!(one, two);
        assert!(matches!(both, (Ok(_), Err(Error::Conflict(_))) | (Err(Error::Conflict(_)), Ok(_))), "{both:?}");
        let rules = world.store.read(&acme.vera).await.unwrap().rules().await.unwrap();
        assert_eq!((rules.version, rules.rules), (2, Rules::new(vec![]).unwrap()));
    }

    async fn a_waiting_task_is_cancelled_immediately_and_an_ended_one_never(world) {
        let acme = &world.acme;
        let made = world.submit(&acme.mia, sealed(acme.ops)).await;
        let cancel = async || world.change(&acme.mia, async |write| write.cancel_task(acme.mia.may(stop(&acme.mia, made.id, acme.ops))?).await).await;
        assert_eq!(cancel().await.unwrap(), TaskState::Cancelled);
        assert!(matches!(cancel().await, Err(Error::Conflict(_))));
        let task = world.store.read(&acme.mia).await.unwrap().task(made.id).await.unwrap();
        assert_eq!((task.state, task.ended_at), (TaskState::Cancelled, Some(world.now())));
        assert!(world.claim(&acme.rex).await.is_none());
        assert_eq!(world.history(acme, made.id).await, ["task.submit", "task.cancel"]);
    }

    async fn a_task_is_not_cancelled_with_a_wrong_owner_or_organization(world) {
        let acme = &world.acme;
        let made = world.submit(&acme.mia, sealed(acme.ops)).await;
        let mine = stop(&acme.ada, made.id, acme.ops);
        let result = world.change(&acme.ada, async |write| write.cancel_task(acme.ada.may(mine)?).await).await;
        assert!(matches!(result, Err(Error::NotFound)), "{result:?}");
        assert_eq!(world.state(acme, made.id).await, TaskState::Queued);
    }

    async fn only_people_and_their_keys_submit(world) {
        let acme = &world.acme;
        let mut console = acme.console.clone();
        console.roles.insert(acme.ops, domain::role::Role::Owner);
        let result = world.change(&console, async |write| write.submit_task(console.may(sealed(acme.ops))?).await).await;
        assert!(matches!(result, Err(Error::Conflict(_))), "{result:?}");
    }
}

//! Approval requests and decisions (D-04, M-13): an approval holds for exactly the request that was shown, once, until it
//! expires.
use crate::world::{decision, needs_approval, on_both, sealed, task};
use domain::{
    Actor,
    approval::{Answer, ApprovalState},
    policy::CancelTask,
    receipt::End,
    request::RequestDigest,
    task::TaskState,
};
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};
use store::{ApprovalFilter, Conflict, Error, Likeness, Result};

const DAY: Duration = Duration::from_hours(24);

fn conflict<T: std::fmt::Debug>(result: Result<T>) -> Conflict {
    match result {
        Err(Error::Conflict(conflict)) => conflict,
        other => panic!("no conflict: {other:?}"),
    }
}

on_both! {
    async fn d_04_an_approval_queues_the_task_and_is_recorded_with_the_digest(world) {
        let acme = &world.acme;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        assert_eq!(task.state, TaskState::AwaitingApproval);
        let approval = world.approval_request(&task).await;
        assert_eq!((approval.needed, approval.given, approval.request_digest), (1, 0, task.request_digest));
        assert_eq!(world.decide(&acme.ada, &approval, Answer::Approve).await.unwrap(), ApprovalState::Approved);
        assert_eq!(world.state(acme, task.id).await, TaskState::Queued);
        let mut read = world.store.read(&acme.mia).await.unwrap();
        let decisions = read.decisions(task.id).await.unwrap();
        assert_eq!((decisions.len(), decisions[0].person_id), (1, acme.ada.person().unwrap()));
        let history = read.task_history(task.id).await.unwrap();
        let record: domain::audit::Record = serde_json::from_str(&history[1].body).unwrap();
        assert_eq!(record.action, "approval.decide");
        assert_eq!(record.detail["request_digest"], task.request_digest.to_string());
        assert_eq!((&record.detail["answer"], &record.detail["state"]), (&"approve".into(), &"approved".into()));
        drop(read);
        let taken = world.claim(&acme.rex).await.unwrap();
        let approvers = taken.consent.decisions.iter().map(|decision| decision.statement.approver);
        assert_eq!(approvers.collect::<Vec<_>>(), [acme.ada.person().unwrap()]);
    }

    async fn d_04_a_denial_denies_the_task(world) {
        let acme = &world.acme;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let approval = world.approval_request(&task).await;
        assert_eq!(world.decide(&acme.olga, &approval, Answer::Deny).await.unwrap(), ApprovalState::Denied);
        let mut read = world.store.read(&acme.mia).await.unwrap();
        let denied = read.task(task.id).await.unwrap();
        assert_eq!((denied.state, denied.ended_at), (TaskState::Denied, Some(world.now())));
        assert_eq!(read.decisions(task.id).await.unwrap()[0].reason, "checked the script");
        drop(read);
        assert!(world.claim(&acme.rex).await.is_none());
    }

    async fn d_04_a_requester_cannot_decide_and_the_attempt_is_recorded(world) {
        let acme = &world.acme;
        let task = world.submit(&acme.ada, needs_approval(acme.ops)).await;
        let approval = world.approval_request(&task).await;
        let before = world.records(acme).await;
        let refused = world.store.authorize(&acme.ada, decision(&approval, Answer::Approve)).await;
        assert!(matches!(refused, Err(Error::Denied(_))));
        assert_eq!(world.records(acme).await, before + 1);
        let mut read = world.store.read(&acme.console).await.unwrap();
        let last = read.task_history(task.id).await.unwrap().pop().unwrap();
        assert_eq!((last.action.as_str(), last.outcome.as_str()), ("approval.decide", "refused"));
        assert_eq!(world.state(acme, task.id).await, TaskState::AwaitingApproval);
    }

    async fn d_04_a_second_decision_by_the_same_person_is_a_conflict(world) {
        let acme = &world.acme;
        for (answer, settled) in [(Answer::Approve, Conflict::ApprovalApproved), (Answer::Deny, Conflict::ApprovalDenied)] {
            let approval = world.approval_request(&world.submit(&acme.mia, needs_approval(acme.ops)).await).await;
            world.decide(&acme.ada, &approval, answer).await.unwrap();
            for who in [&acme.ada, &acme.abe, &acme.olga] {
                assert_eq!(conflict(world.decide(who, &approval, Answer::Approve).await), settled);
            }
        }
    }

    async fn d_04_a_changed_request_is_a_conflict(world) {
        let acme = &world.acme;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let mut approval = world.approval_request(&task).await;
        approval.request_digest.0[31] ^= 1;
        assert_eq!(conflict(world.decide(&acme.ada, &approval, Answer::Approve).await), Conflict::RequestChanged);
        approval.request_digest = RequestDigest([0; 32]);
        conflict(world.decide(&acme.ada, &approval, Answer::Deny).await);
        assert_eq!(world.state(acme, task.id).await, TaskState::AwaitingApproval);
    }

    /// The id of one request with the organization of another, in which the actor is an approver, matches no request.
    async fn d_04_a_request_cannot_be_decided_through_another_organization(world) {
        let acme = &world.acme;
        let task = world.submit(&acme.olga, needs_approval(acme.lab)).await;
        let mut approval = world.approval_request(&task).await;
        assert!(matches!(world.decide(&acme.ada, &approval, Answer::Approve).await, Err(Error::Denied(_))));
        approval.organization_id = acme.ops;
        assert!(matches!(world.decide(&acme.ada, &approval, Answer::Approve).await, Err(Error::NotFound)));
        approval.organization_id = acme.lab;
        approval.requester_id = acme.sam.person().unwrap();
        assert!(matches!(world.decide(&acme.olga, &approval, Answer::Approve).await, Err(Error::NotFound)), "nor to another requester");
    }

    async fn d_04_two_required_approvals_need_two_people(world) {
        let acme = &world.acme;
        world.ask(acme, 2).await;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let approval = world.approval_request(&task).await;
        assert_eq!(world.decide(&acme.ada, &approval, Answer::Approve).await.unwrap(), ApprovalState::Waiting);
        assert_eq!(conflict(world.decide(&acme.ada, &approval, Answer::Approve).await), Conflict::AlreadyDecided);
        assert_eq!(world.state(acme, task.id).await, TaskState::AwaitingApproval);
        assert_eq!(world.approval_request(&task).await.given, 1);
        assert_eq!(world.decide(&acme.abe, &approval, Answer::Approve).await.unwrap(), ApprovalState::Approved);
        assert_eq!(world.state(acme, task.id).await, TaskState::Queued);
        assert_eq!(world.claim(&acme.rex).await.unwrap().consent.decisions.len(), 2);
    }

    async fn d_04_one_denial_outweighs_an_approval(world) {
        let acme = &world.acme;
        world.ask(acme, 2).await;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let approval = world.approval_request(&task).await;
        world.decide(&acme.ada, &approval, Answer::Approve).await.unwrap();
        assert_eq!(world.decide(&acme.abe, &approval, Answer::Deny).await.unwrap(), ApprovalState::Denied);
        assert_eq!(world.state(acme, task.id).await, TaskState::Denied);
    }

    async fn d_04_an_approval_is_used_once(world) {
        let acme = &world.acme;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let approval = world.approval_request(&task).await;
        world.decide(&acme.ada, &approval, Answer::Approve).await.unwrap();
        let taken = world.claim(&acme.rex).await.unwrap();
        world.finish(&acme.rex, &taken, End::Exited(1)).await.unwrap();
        assert_eq!(world.state(acme, task.id).await, TaskState::Failed);
        assert!(world.claim(&acme.rex).await.is_none(), "it does not run again");
        conflict(world.decide(&acme.abe, &approval, Answer::Approve).await);
        let again = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        assert_eq!(again.state, TaskState::AwaitingApproval, "the same once more is another request");
        assert_ne!(again.request_digest, task.request_digest);
    }

    async fn d_04_a_request_without_a_decision_expires(world) {
        let acme = &world.acme;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let approval = world.approval_request(&task).await;
        let (now, system) = (world.now(), world.store.system());
        assert_eq!(system.next_due().await.unwrap(), Some(now.after(DAY - Duration::from_hours(1))), "the reminder");
        world.wait(DAY - Duration::from_hours(1));
        system.run_due_work().await.unwrap();
        assert_eq!(system.next_due().await.unwrap(), Some(now.after(DAY)));
        world.wait(Duration::from_hours(1) - Duration::from_micros(1));
        world.store.system().run_due_work().await.unwrap();
        assert_eq!(world.state(acme, task.id).await, TaskState::AwaitingApproval);
        world.wait(Duration::from_micros(1));
        assert_eq!(conflict(world.decide(&acme.ada, &approval, Answer::Approve).await), Conflict::ApprovalExpired, "even before the clock came by");
        world.store.system().run_due_work().await.unwrap();
        assert_eq!(world.state(acme, task.id).await, TaskState::Expired);
        assert_eq!(world.approval_request(&task).await.state, ApprovalState::Expired);
        assert_eq!(world.history(acme, task.id).await, ["task.submit", "approval.expire"]);
        assert_eq!(conflict(world.decide(&acme.ada, &approval, Answer::Approve).await), Conflict::ApprovalExpired);
        assert_eq!(world.store.system().next_due().await.unwrap(), None);
    }

    async fn d_04_canceling_withdraws_the_approval_request(world) {
        let acme = &world.acme;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let approval = world.approval_request(&task).await;
        let cancel = CancelTask { task: task.id, owner: acme.mia.person().unwrap(), organization: acme.ops };
        world.change(&acme.mia, async |write| write.cancel_task(acme.mia.may(cancel)?).await).await.unwrap();
        assert_eq!(world.approval_request(&task).await.state, ApprovalState::Withdrawn);
        assert_eq!(conflict(world.decide(&acme.ada, &approval, Answer::Approve).await), Conflict::ApprovalWithdrawn);
        assert!(world.claim(&acme.rex).await.is_none());
    }

    async fn d_04_the_queue_counts_requests_waiting_for_me_and_is_paginated(world) {
        let acme = &world.acme;
        for _ in 0..5 {
            world.submit(&acme.mia, needs_approval(acme.ops)).await;
        }
        world.submit(&acme.ada, needs_approval(acme.ops)).await;
        world.submit(&acme.mia, sealed(acme.ops)).await;
        let mut read = world.store.read(&acme.ada).await.unwrap();
        assert_eq!(read.approvals_waiting_for_me().await.unwrap(), 5, "her own is not hers to decide");
        let waiting = ApprovalFilter { state: Some(ApprovalState::Waiting), organization: Some(acme.ops) };
        let first = read.approvals(&waiting, None, 4).await.unwrap();
        let after = first.next.unwrap().parse().unwrap();
        let rest = read.approvals(&waiting, Some(after), 4).await.unwrap();
        assert_eq!((first.items.len(), rest.items.len(), rest.next), (4, 2, None));
        assert!(first.items.last().unwrap().id > rest.items[0].id, "newest first");
        let elsewhere = ApprovalFilter { organization: Some(acme.lab), ..ApprovalFilter::default() };
        assert!(read.approvals(&elsewhere, None, 4).await.unwrap().items.is_empty());
        for (filter, seen) in [(ApprovalFilter::default(), 6), (waiting, 6), (elsewhere, 0)] {
            let counts = read.approval_counts(&filter).await.unwrap();
            assert_eq!((counts[&ApprovalState::Waiting], counts[&ApprovalState::Approved]), (seen, 0), "{filter:?}");
            assert!(counts.whole);
        }
        let hers = world.store.read(&acme.mia).await.unwrap().approval_counts(&ApprovalFilter::default()).await.unwrap();
        assert_eq!(hers[&ApprovalState::Waiting], 5, "a member sees her own requests");
    }

    async fn d_04_only_the_newest_requests_of_a_state_are_counted(world) {
        let acme = &world.acme;
        for _ in 0..101 {
            world.submit(&acme.ada, needs_approval(acme.ops)).await;
        }
        let counts = async |actor: &Actor| {
            let mut read = world.store.read(actor).await.unwrap();
            read.approval_counts(&ApprovalFilter::default()).await.unwrap()
        };
        let (all, hers) = (counts(&acme.adam).await, counts(&acme.mia).await);
        assert_eq!((all[&ApprovalState::Waiting], all.whole), (100, true), "a hundred stand for more than 99");
        assert_eq!((hers[&ApprovalState::Waiting], hers.whole), (0, false), "there may be some of hers before");
    }

    async fn d_04_the_last_approved_request_is_the_precedent(world) {
        let acme = &world.acme;
        let titled = |organization, title: &str| task(organization, json!({ "title": title, "script": format!("echo {title}"), "network_policy": "unrestricted" }));
        let before = async |actor: &Actor, approval: &store::Approval| {
            let mut read = world.store.read(actor).await.unwrap();
            read.approved_before(approval.id).await.map(|found| found.map(|(_, found)| (found.id, found.approved_at)))
        };
        let ask = async |who: &Actor, organization, title: &str| world.approval_request(&world.submit(who, titled(organization, title)).await).await;
        let first = ask(&acme.mia, acme.ops, "deploy").await;
        assert_eq!(before(&acme.ada, &first).await.unwrap(), None, "nothing yet");
        world.decide(&acme.ada, &first, Answer::Approve).await.unwrap();
        let approved_at = world.now();
        world.wait(Duration::from_mins(1));

        let denied = ask(&acme.mia, acme.ops, "deploy").await;
        assert_eq!(before(&acme.ada, &denied).await.unwrap(), Some((first.id, approved_at)));
        world.decide(&acme.ada, &denied, Answer::Deny).await.unwrap();
        let next = ask(&acme.mia, acme.ops, "deploy").await;
        assert_eq!(before(&acme.abe, &next).await.unwrap(), Some((first.id, approved_at)), "a no is no precedent");
        assert_eq!(before(&acme.ada, &first).await.unwrap(), None, "only what came before");
        for (who, organization, title) in [(&acme.mia, acme.ops, "deploy!"), (&acme.olga, acme.ops, "deploy"), (&acme.olga, acme.lab, "deploy")] {
            let other = ask(who, organization, title).await;
            assert_eq!(before(&acme.adam, &other).await.unwrap(), None, "another title, requester or organization");
        }
        assert!(matches!(before(&acme.sam, &next).await, Err(Error::NotFound)));
        assert!(matches!(before(&world.bolt.adam, &next).await, Err(Error::NotFound)));
    }

    async fn d_04_a_request_is_compared_only_with_what_it_repeats_or_resembles(world) {
        let acme = &world.acme;
        let ask = async |who: &Actor, fields: serde_json::Value| {
            let mut all = json!({ "network_policy": "unrestricted" });
            all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            world.approval_request(&world.submit(who, task(acme.ops, all)).await).await
        };
        let before = async |approval: &store::Approval| {
            let mut read = world.store.read(&acme.ada).await.unwrap();
            read.approved_before(approval.id).await.unwrap().map(|(likeness, found)| (likeness, found.id))
        };
        let rotate = "set -euo pipefail\ncd /srv\ncertbot renew\nsystemctl reload nginx\necho one";
        let rotation = ask(&acme.mia, json!({ "title": "set -euo pipefail", "script": rotate })).await;
        world.decide(&acme.ada, &rotation, Answer::Approve).await.unwrap();

        let drop = json!({ "title": "set -euo pipefail", "script": "set -euo pipefail\ncd /srv\ndropdb production" });
        assert_eq!(before(&ask(&acme.mia, drop).await).await, None, "the setup of the shell is no title");
        let alike = json!({ "title": "Rotation", "script": rotate.replace("echo one", "echo two") });
        assert_eq!(before(&ask(&acme.mia, alike.clone()).await).await, Some((Likeness::SameBeginning, rotation.id)));
        assert_eq!(before(&ask(&acme.ada, alike).await).await, None, "of another person");

        let rerun = |of: &store::Approval| json!({ "title": "Again", "script": "true", "rerun_of": of.task_id });
        let (again, other) = (ask(&acme.ada, rerun(&rotation)).await, ask(&acme.mia, json!({ "title": "Other", "script": "true", "rerun_of": uuid::Uuid::nil() })).await);
        assert_eq!(before(&again).await, Some((Likeness::Rerun, rotation.id)), "another person repeats it");
        assert_eq!(before(&other).await, None, "of a task that does not exist");
        let elsewhere = world.submit(&acme.olga, task(acme.lab, json!({ "network_policy": "unrestricted", "rerun_of": rotation.task_id }))).await;
        let elsewhere = world.approval_request(&elsewhere).await;
        let mut read = world.store.read(&acme.olga).await.unwrap();
        assert!(read.approved_before(elsewhere.id).await.unwrap().is_none(), "of a task in another organization");
    }

    async fn d_04_the_people_who_can_decide_are_known_by_name(world) {
        let acme = &world.acme;
        let names = |found: Vec<store::Decider>| found.into_iter().map(|it| it.id).collect::<BTreeSet<_>>();
        let who = |actors: &[&Actor]| actors.iter().filter_map(|actor| actor.person()).collect::<BTreeSet<_>>();
        let own = async |actor: &Actor, organization| {
            names(world.store.read(actor).await.unwrap().deciders_of_own(organization).await.unwrap())
        };
        assert_eq!(own(&acme.mia, acme.ops).await, who(&[&acme.ada, &acme.abe, &acme.olga]));
        assert_eq!(own(&acme.ada, acme.ops).await, who(&[&acme.abe, &acme.olga]), "nobody decides for themselves");
        assert_eq!(own(&acme.olga, acme.lab).await, who(&[]));
        assert_eq!(own(&acme.mia, acme.lab).await, who(&[]), "she cannot submit there");
        assert_eq!(own(&acme.vera, acme.ops).await, who(&[]), "a viewer cannot submit");

        world.ask(acme, 2).await;
        let request = world.approval_request(&world.submit(&acme.ada, needs_approval(acme.ops)).await).await;
        let deciders = async |actor: &Actor| {
            names(world.store.read(actor).await.unwrap().deciders(request.id).await.unwrap())
        };
        assert_eq!(deciders(&acme.ada).await, who(&[&acme.abe, &acme.olga]));
        world.decide(&acme.abe, &request, Answer::Approve).await.unwrap();
        assert_eq!(deciders(&acme.ada).await, who(&[&acme.olga]), "Abe has decided");
        let mut read = world.store.read(&acme.sam).await.unwrap();
        assert!(matches!(read.deciders(request.id).await, Err(Error::NotFound)));
    }

    async fn d_04_requests_to_decide_are_listed_oldest_first(world) {
        let acme = &world.acme;
        let mut requests = vec![];
        for _ in 0..3 {
            requests.push(world.approval_request(&world.submit(&acme.mia, needs_approval(acme.ops)).await).await.id);
        }
        let elsewhere = world.submit(&acme.olga, needs_approval(acme.lab)).await;
        let own = world.submit(&acme.ada, needs_approval(acme.ops)).await;
        let mine = async |actor: &Actor| -> Vec<_> {
            let mut read = world.store.read(actor).await.unwrap();
            read.approvals_for_me(10).await.unwrap().into_iter().map(|request| request.id).collect()
        };
        assert_eq!(mine(&acme.ada).await, requests, "neither her own nor those of where she is not");
        assert_eq!(mine(&acme.abe).await.len(), 4);
        assert!(mine(&acme.mia).await.is_empty() && mine(&acme.adam).await.is_empty(), "who may not answer");
        assert!(!mine(&acme.olga).await.contains(&world.approval_request(&elsewhere).await.id), "her own");
        world.ask(acme, 2).await;
        let two = world.approval_request(&world.submit(&acme.mia, needs_approval(acme.ops)).await).await;
        world.decide(&acme.ada, &two, Answer::Approve).await.unwrap();
        assert!(!mine(&acme.ada).await.contains(&two.id) && mine(&acme.abe).await.contains(&two.id), "answered");
        assert!(mine(&acme.abe).await.contains(&world.approval_request(&own).await.id));
    }
}

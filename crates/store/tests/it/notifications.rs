//! Notifications (D-10): recipients, their access when they read, digests, preferences and retention.
use crate::world::{World, needs_approval, on_both, task};
use domain::{
    Actor, NotificationId, PersonId,
    approval::Answer,
    notification::{Channels, DIGEST, Notification},
    policy::{RemoveMembership, SetMembership},
    receipt::End,
    role::Role,
};
use serde_json::json;
use std::time::Duration;
use store::{InboxEntry, Mail};
use uuid::Uuid;

fn id(actor: &Actor) -> PersonId {
    actor.person().unwrap()
}

async fn inbox(world: &World, actor: &Actor) -> Vec<InboxEntry> {
    let actor = world.again(actor).await;
    world.store.read(&actor).await.unwrap().inbox(None, 100).await.unwrap().items
}

async fn events(world: &World, actor: &Actor) -> Vec<Notification> {
    inbox(world, actor).await.into_iter().map(|entry| entry.event).collect()
}

async fn unread(world: &World, actor: &Actor) -> i64 {
    world.store.read(actor).await.unwrap().unread_notifications().await.unwrap()
}

async fn choose(world: &World, actor: &Actor, event: Notification, inbox: bool, mail: bool) {
    let chosen = [(event, Channels { inbox, mail })].into();
    world.change(actor, async |write| write.set_notification_preferences(&chosen).await).await.unwrap();
}

/// Returns the due mails about notifications, with the number of their entries for the recipient.
async fn mails(world: &World) -> Vec<(PersonId, Notification, usize)> {
    let mut found = vec![];
    while let Some(due) = world.store.system().take_mail().await.unwrap() {
        if let Mail::Notifications { person, event } = due.mail {
            let reader = testkit::person(&world.store, due.tenant, person).await;
            let mut read = world.store.read(&reader).await.unwrap();
            found.push((person, event, read.notifications_of_mail(due.id, 100).await.unwrap().len()));
        }
        world.store.system().delete_mail(due.tenant, due.id).await.unwrap();
    }
    found
}

on_both! {
    async fn d_10_those_who_can_decide_are_notified_and_then_the_requester(world) {
        let acme = &world.acme;
        world.ask(acme, 1).await;
        let submitted = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        for approver in [&acme.ada, &acme.abe, &acme.olga] {
            assert_eq!(events(world, approver).await, [Notification::ApprovalRequested]);
            assert_eq!(unread(world, approver).await, 1);
        }
        for other in [&acme.sam, &acme.vera, &acme.mia, &acme.audrey, &acme.adam, &world.bolt.ada] {
            assert!(events(world, other).await.is_empty());
        }
        let approval = world.approval_request(&submitted).await;
        let entry = inbox(world, &acme.ada).await.remove(0);
        assert_eq!((entry.subject_id, entry.title.as_str()), (approval.id.0, approval.title.as_str()));
        world.decide(&acme.ada, &approval, Answer::Approve).await.unwrap();
        assert_eq!(events(world, &acme.mia).await, [Notification::ApprovalDecided]);
        assert_eq!(unread(world, &acme.abe).await, 0, "it needs nobody any more");
        let taken = world.claim(&acme.rex).await.unwrap();
        world.finish(&acme.rex, &taken, End::Exited(0)).await.unwrap();
        assert_eq!(events(world, &acme.mia).await, [Notification::TaskEnded, Notification::ApprovalDecided]);
    }

    async fn d_10_nothing_is_notified_without_a_commit(world) {
        let acme = &world.acme;
        world.ask(acme, 1).await;
        let mut dropped = world.store.write(&acme.mia).await.unwrap();
        dropped.submit_task(acme.mia.may(needs_approval(acme.ops)).unwrap()).await.unwrap();
        drop(dropped);
        assert!(inbox(world, &acme.ada).await.is_empty());
    }

    async fn d_10_nobody_is_notified_of_an_own_act_or_of_a_task_of_a_program(world) {
        let acme = &world.acme;
        world.ask(acme, 1).await;
        let own = world.submit(&acme.olga, needs_approval(acme.ops)).await;
        assert!(inbox(world, &acme.olga).await.is_empty(), "she cannot decide it");
        let approval = world.approval_request(&own).await;
        world.change(&acme.olga, async |write| {
            let cancel = domain::policy::CancelTask { task: own.id, owner: id(&acme.olga), organization: acme.ops };
            write.cancel_task(acme.olga.may(cancel)?).await
        }).await.unwrap();
        assert!(inbox(world, &acme.olga).await.is_empty(), "she withdrew it");
        assert_eq!(world.approval_request(&own).await.id, approval.id);
        let key = world.key(&acme.mia, "tasks:*").await;
        world.submit(&key, task(acme.ops, json!({}))).await;
        let taken = world.claim(&acme.rex).await.unwrap();
        world.finish(&acme.rex, &taken, End::Exited(1)).await.unwrap();
        assert!(inbox(world, &acme.mia).await.is_empty());
    }

    async fn d_10_a_notification_disappears_with_the_access_to_its_subject(world) {
        let acme = &world.acme;
        world.store.enable_mail();
        world.ask(acme, 1).await;
        world.submit(&acme.mia, needs_approval(acme.ops)).await;
        assert_eq!(inbox(world, &acme.ada).await.len(), 1);
        let remove = RemoveMembership { organization: acme.ops, person: id(&acme.ada), successor: None };
        world.change(&acme.console, async |write| write.remove_membership(acme.console.may(remove)?).await).await.unwrap();
        assert!(inbox(world, &acme.ada).await.is_empty());
        let ada = world.again(&acme.ada).await;
        assert_eq!(unread(world, &ada).await, 0);
        let sent = mails(world).await;
        assert!(sent.contains(&(id(&acme.ada), Notification::ApprovalRequested, 0)), "{sent:?}");
        assert!(sent.contains(&(id(&acme.abe), Notification::ApprovalRequested, 1)), "{sent:?}");
        let again = SetMembership { organization: acme.ops, person: id(&acme.ada), role: Role::Approver };
        world.change(&acme.console, async |write| write.set_membership(acme.console.may(again)?).await).await.unwrap();
        assert_eq!(inbox(world, &acme.ada).await.len(), 1);
    }

    async fn d_10_a_digest_replaces_a_flood_of_mails(world) {
        let acme = &world.acme;
        world.store.enable_mail();
        world.ask(acme, 1).await;
        let submit = async || world.submit(&acme.mia, needs_approval(acme.ops)).await;
        submit().await;
        let (abe, requested) = (id(&acme.abe), Notification::ApprovalRequested);
        let of_abe = async || mails(world).await.into_iter().filter(|mail| mail.0 == abe).collect::<Vec<_>>();
        assert_eq!(of_abe().await, [(abe, requested, 1)], "the first one at once");
        for _ in 0..3 {
            submit().await;
        }
        assert_eq!(of_abe().await, [], "the others wait");
        world.wait(DIGEST);
        assert_eq!(of_abe().await, [(abe, requested, 3)]);
        world.wait(DIGEST);
        submit().await;
        assert_eq!(of_abe().await, [(abe, requested, 1)]);
        assert_eq!(inbox(world, &acme.abe).await.len(), 5);
    }

    async fn d_10_people_choose_events_and_channels(world) {
        let acme = &world.acme;
        world.store.enable_mail();
        world.ask(acme, 1).await;
        let requested = Notification::ApprovalRequested;
        choose(world, &acme.ada, requested, false, true).await;
        choose(world, &acme.abe, requested, true, false).await;
        choose(world, &acme.olga, requested, false, false).await;
        world.submit(&acme.mia, needs_approval(acme.ops)).await;
        assert!(inbox(world, &acme.ada).await.is_empty() && inbox(world, &acme.olga).await.is_empty());
        assert_eq!(unread(world, &acme.ada).await, 0);
        assert_eq!(inbox(world, &acme.abe).await.len(), 1);
        assert_eq!(mails(world).await, [(id(&acme.ada), requested, 1)]);
        let chosen = world.store.read(&acme.olga).await.unwrap().notification_preferences().await.unwrap();
        assert_eq!(chosen[&requested], Channels { inbox: false, mail: false });
        assert_eq!(chosen[&Notification::TaskEnded], Notification::TaskEnded.default_channels());
    }

    async fn d_10_approvers_who_have_not_decided_are_reminded_once(world) {
        let acme = &world.acme;
        world.ask(acme, 2).await;
        let submitted = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let approval = world.approval_request(&submitted).await;
        world.decide(&acme.ada, &approval, Answer::Approve).await.unwrap();
        let due = world.store.system().next_due().await.unwrap().unwrap();
        assert_eq!(due, approval.expires_at.before(Duration::from_hours(1)));
        world.wait(Duration::from_hours(23));
        for _ in 0..2 {
            world.store.system().run_due_work().await.unwrap();
        }
        let expiring = async |actor| events(world, actor).await.iter().filter(|event| **event == Notification::ApprovalExpiring).count();
        assert_eq!((expiring(&acme.abe).await, expiring(&acme.ada).await, expiring(&acme.mia).await), (1, 0, 0));
        world.wait(Duration::from_hours(1));
        world.store.system().run_due_work().await.unwrap();
        assert_eq!(events(world, &acme.mia).await, [Notification::ApprovalDecided], "it has expired");
    }

    async fn d_10_admins_are_notified_of_silent_runners_and_anomalies(world) {
        let acme = &world.acme;
        for rex in [&acme.rex, &world.bolt.rex] {
            world.change(rex, async |write| write.runner_connected("1", "bash", &json!({}), 1).await).await.unwrap();
        }
        world.wait(Duration::from_mins(5));
        world.store.system().run_due_work().await.unwrap();
        assert_eq!(events(world, &acme.adam).await, [Notification::RunnerSilent]);
        assert!(events(world, &acme.audrey).await.is_empty() && events(world, &acme.mia).await.is_empty());
        let listener = Actor { address: Some("192.0.2.1".into()), ..Actor::clock(acme.tenant, world.now()) };
        for _ in 0..50 {
            let refused = async |write: &mut store::Write| write.note_refused_sign_in(id(&acme.mia), "wrong password").await;
            world.change(&listener, refused).await.unwrap();
        }
        assert_eq!(events(world, &acme.audrey).await, [Notification::AnomalyDetected]);
        assert!(events(world, &acme.mia).await.is_empty() && events(world, &world.bolt.adam).await.contains(&Notification::RunnerSilent));
    }

    async fn d_10_one_or_all_are_marked_as_read_and_only_ones_own(world) {
        let acme = &world.acme;
        world.ask(acme, 1).await;
        for _ in 0..3 {
            world.submit(&acme.mia, needs_approval(acme.ops)).await;
        }
        let all = inbox(world, &acme.ada).await;
        let mark = async |actor: &Actor, event, first, last| {
            world.change(actor, async |write| write.mark_notifications_read(event, first, last).await).await.unwrap()
        };
        let (least, most) = (NotificationId(Uuid::nil()), NotificationId(Uuid::max()));
        assert_eq!(mark(&acme.abe, None, all[0].id, all[0].id).await, 0, "another person's");
        assert_eq!(mark(&acme.ada, None, all[1].id, all[1].id).await, 1);
        assert_eq!(mark(&acme.ada, Some(Notification::TaskEnded), least, most).await, 0);
        assert_eq!(unread(world, &acme.ada).await, 2);
        assert_eq!(mark(&acme.ada, None, least, all[0].id).await, 2);
        assert_eq!((unread(world, &acme.ada).await, unread(world, &acme.abe).await), (0, 3));
        let key = world.key(&acme.abe, "approvals:*").await;
        assert_eq!((mark(&key, None, least, most).await, unread(world, &key).await), (0, 0), "a key has no inbox");
    }

    async fn d_10_old_notifications_are_deleted(world) {
        let acme = &world.acme;
        world.ask(acme, 1).await;
        world.submit(&acme.mia, needs_approval(acme.ops)).await;
        world.wait(Duration::from_hours(24 * 91));
        while world.store.system().delete_expired_history(100).await.unwrap() {}
        assert!(inbox(world, &acme.ada).await.is_empty());
    }
}

//! Webhooks (D-10): sealed secrets, the outbox in the transaction of the change, one node per attempt, digests and redelivery.
use crate::{
    raw::Raw,
    world::{World, needs_approval, on_both, task},
};
use domain::{
    Actor, WebhookId,
    approval::Answer,
    notification::{DIGEST, Events, Notification, WebhookKind},
    policy::{ReadAudit, RedeliverWebhook, RemoveWebhook, RotateWebhookSecret, SetWebhook, TestWebhook},
    receipt::End,
};
use serde_json::json;
use std::time::Duration;
use store::{Attempt, Delivery, DueDelivery, Error, SECRET_OVERLAP, system::MAX_DELIVERY_ATTEMPTS};

fn set(id: WebhookId, kind: WebhookKind) -> SetWebhook {
    let events = Events(Notification::ALL.iter().copied().collect());
    SetWebhook { id, name: "chat".into(), kind, events, enabled: true, new_host: None }
}

/// Creates a webhook of Adam's tenant.
pub async fn create(world: &World, adam: &Actor, kind: WebhookKind) -> WebhookId {
    let id = WebhookId(store::new_id());
    let secret = (kind == WebhookKind::Generic).then(|| "whsec_c2VjcmV0".to_owned());
    world
        .change(adam, async |write| {
            let url = Some("https://hooks.example/T1/secret".to_owned());
            write.set_webhook(adam.may(set(id, kind))?, url, secret).await
        })
        .await
        .unwrap();
    id
}

async fn take(world: &World) -> Option<DueDelivery> {
    world.store.system().take_delivery().await.unwrap()
}

async fn deliveries(world: &World, id: WebhookId) -> Vec<Delivery> {
    let adam = &world.acme.adam;
    let proof = adam.may(ReadAudit).unwrap();
    world.store.read(adam).await.unwrap().deliveries(&proof, id, 100).await.unwrap()
}

on_both! {
    async fn d_10_addresses_and_secrets_are_sealed_and_bound_to_their_webhook(world) {
        let adam = &world.acme.adam;
        let id = create(world, adam, WebhookKind::Generic).await;
        let other = create(world, adam, WebhookKind::Generic).await;
        let proof = adam.may(ReadAudit).unwrap();
        let shown = world.store.read(adam).await.unwrap().webhook(&proof, id).await.unwrap();
        assert_eq!(shown.host, "hooks.example");
        let mut raw = Raw::of(world).await;
        let visible = raw.texts("select name || kind || host || events from webhook").await;
        assert!(!format!("{visible:?}").contains("T1"), "{visible:?}");
        assert_eq!(raw.texts("select body from audit where action = 'webhook.set' and body like '%/secret%'").await, Vec::<String>::new());
        world.change(adam, async |write| write.test_webhook(adam.may(TestWebhook { id: other })?).await).await.unwrap();
        let due = take(world).await.unwrap();
        assert_eq!(due.secrets.unwrap().url, "https://hooks.example/T1/secret");
        raw.run("update webhook set sealed = (select sealed from webhook order by id limit 1)").await.unwrap();
        world.wait(Duration::from_hours(1));
        let due = take(world).await.unwrap();
        assert_eq!(due.secrets, None, "another row's does not open here, and the message is abandoned");
    }

    async fn d_10_messages_are_queued_with_the_change_and_name_no_private_task(world) {
        let acme = &world.acme;
        world.ask(acme, 1).await;
        create(world, &acme.adam, WebhookKind::Generic).await;
        let mut dropped = world.store.write(&acme.mia).await.unwrap();
        dropped.submit_task(acme.mia.may(needs_approval(acme.ops)).unwrap()).await.unwrap();
        drop(dropped);
        world.rolled_back().await;
        assert!(take(world).await.is_none(), "nothing is queued without a commit");
        for visibility in ["private", "org"] {
            let fields = json!({ "title": "drop table", "visibility": visibility, "network_policy": "unrestricted" });
            let submitted = world.submit(&acme.mia, task(acme.ops, fields)).await;
            let approval = world.approval_request(&submitted).await;
            world.decide(&acme.ada, &approval, Answer::Approve).await.unwrap();
            let taken = world.claim(&acme.rex).await.unwrap();
            world.finish(&acme.rex, &taken, End::Exited(0)).await.unwrap();
            let title = (visibility == "org").then_some("drop table");
            for (event, state) in [("approval.requested", "waiting"), ("approval.decided", "approved"), ("task.ended", "succeeded")] {
                let due = take(world).await.unwrap();
                let [item] = due.items.as_slice() else { panic!("{due:?}") };
                assert_eq!((due.event.as_str(), item.title.as_deref(), item.task), (event, title, Some(submitted.id)));
                assert!(event == "approval.requested" || item.state.as_deref() == Some(state), "{item:?}");
                assert_eq!(item.organization.as_deref(), Some("acme ops"));
            }
        }
        assert!(take(world).await.is_none());
    }

    async fn d_10_one_node_takes_a_message_and_another_one_after_its_lease(world) {
        let adam = &world.acme.adam;
        let id = create(world, adam, WebhookKind::Slack).await;
        world.change(adam, async |write| write.test_webhook(adam.may(TestWebhook { id })?).await).await.unwrap();
        let lost = take(world).await.unwrap();
        assert_eq!((lost.attempt, take(world).await.is_none()), (1, true));
        world.wait(Duration::from_mins(2));
        let due = take(world).await.unwrap();
        assert_eq!((due.id, due.attempt), (lost.id, 2));
        let system = world.store.system();
        system.finish_delivery(&lost, Attempt::Failed("500".into())).await.unwrap();
        assert_eq!(deliveries(world, id).await[0].result, "", "the result of an earlier attempt");
        system.finish_delivery(&due, Attempt::Delivered("200".into())).await.unwrap();
        let [delivery] = &deliveries(world, id).await[..] else { panic!() };
        assert_eq!((delivery.state.as_str(), delivery.next_at, delivery.ended_at), ("delivered", None, Some(world.now())));
        assert_eq!(system.next_delivery().await.unwrap(), None);
    }

    async fn d_10_a_message_is_repeated_with_backoff_then_abandoned_and_delivered_again_on_demand(world) {
        let adam = &world.acme.adam;
        let id = create(world, adam, WebhookKind::Generic).await;
        world.change(adam, async |write| write.test_webhook(adam.may(TestWebhook { id })?).await).await.unwrap();
        let system = world.store.system();
        let mut delays = vec![];
        for _ in 1..MAX_DELIVERY_ATTEMPTS {
            let due = take(world).await.unwrap();
            system.finish_delivery(&due, Attempt::Failed("503".into())).await.unwrap();
            let next = system.next_delivery().await.unwrap().unwrap();
            delays.push(next.since(world.now()));
            world.wait(delays[delays.len() - 1]);
        }
        assert!(delays[0] >= Duration::from_secs(10) && delays[0] <= Duration::from_secs(20), "{delays:?}");
        assert!(delays[5] > delays[1] && delays.iter().all(|delay| *delay <= Duration::from_hours(2)), "{delays:?}");
        let last = take(world).await.unwrap();
        system.finish_delivery(&last, Attempt::Failed("503".into())).await.unwrap();
        let [dead] = &deliveries(world, id).await[..] else { panic!() };
        assert_eq!((dead.state.as_str(), dead.result.as_str(), dead.attempts), ("dead", "503", MAX_DELIVERY_ATTEMPTS));
        assert_eq!(system.figures().await.unwrap().dead_deliveries, 1);
        assert!(take(world).await.is_none());
        let redeliver = || RedeliverWebhook { id, delivery: dead.id };
        assert!(world.acme.mia.may(redeliver()).is_err());
        world.change(adam, async |write| write.redeliver_webhook(adam.may(redeliver())?).await).await.unwrap();
        let due = take(world).await.unwrap();
        assert_eq!((due.id, due.attempt), (dead.id, 1));
        let again = world.change(adam, async |write| write.redeliver_webhook(adam.may(redeliver())?).await).await;
        assert!(matches!(again, Err(Error::NotFound)), "it waits already: {again:?}");
    }

    async fn d_10_a_rotation_keeps_the_address_and_the_previous_secret_for_a_day(world) {
        let adam = &world.acme.adam;
        let id = create(world, adam, WebhookKind::Generic).await;
        let rotate = async |secret: &str| {
            world.change(adam, async |w| w.rotate_webhook_secret(adam.may(RotateWebhookSecret { id })?, secret.into()).await).await
        };
        rotate("whsec_bmV3").await.unwrap();
        let secrets = async || {
            world.change(adam, async |write| write.test_webhook(adam.may(TestWebhook { id })?).await).await.unwrap();
            take(world).await.unwrap().secrets.unwrap()
        };
        let both = secrets().await;
        assert_eq!((both.url.as_str(), both.secret.as_deref(), both.previous.as_deref()), ("https://hooks.example/T1/secret", Some("whsec_bmV3"), Some("whsec_c2VjcmV0")));
        world.wait(SECRET_OVERLAP);
        while let Some(due) = take(world).await {
            world.store.system().finish_delivery(&due, Attempt::Delivered("200".into())).await.unwrap();
        }
        assert_eq!(secrets().await.previous, None);
        let slack = create(world, adam, WebhookKind::Slack).await;
        let refused = world.change(adam, async |w| w.rotate_webhook_secret(adam.may(RotateWebhookSecret { id: slack })?, "x".into()).await).await;
        assert!(matches!(refused, Err(Error::NotFound)), "its secret is the address: {refused:?}");
    }

    async fn d_10_a_chat_gets_a_digest_and_a_system_every_event(world) {
        let acme = &world.acme;
        world.ask(acme, 1).await;
        create(world, &acme.adam, WebhookKind::Slack).await;
        let submit = async || world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let deliver = async || {
            let mut sizes = vec![];
            while let Some(due) = take(world).await {
                sizes.push(due.items.len());
                world.store.system().finish_delivery(&due, Attempt::Delivered("200".into())).await.unwrap();
            }
            sizes
        };
        submit().await;
        assert_eq!(deliver().await, [1]);
        for _ in 0..3 {
            submit().await;
        }
        assert_eq!(deliver().await, Vec::<usize>::new());
        world.wait(DIGEST);
        assert_eq!(deliver().await, [3]);
        create(world, &acme.adam, WebhookKind::Generic).await;
        for _ in 0..3 {
            submit().await;
        }
        let mut sizes = deliver().await;
        sizes.sort_unstable();
        assert!(sizes.len() >= 3 && sizes.iter().filter(|size| **size == 1).count() >= 3, "{sizes:?}");
    }

    async fn d_10_a_disabled_webhook_gets_nothing_and_a_removed_one_leaves_nothing(world) {
        let acme = &world.acme;
        world.ask(acme, 1).await;
        let (adam, id) = (&acme.adam, create(world, &acme.adam, WebhookKind::Generic).await);
        world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let disable = || SetWebhook { enabled: false, ..set(id, WebhookKind::Generic) };
        world.change(adam, async |write| write.set_webhook(adam.may(disable())?, None, None).await).await.unwrap();
        assert_eq!(take(world).await.unwrap().secrets, None);
        world.submit(&acme.mia, needs_approval(acme.ops)).await;
        assert_eq!(deliveries(world, id).await.len(), 1);
        let other = SetWebhook { id, ..set(id, WebhookKind::Slack) };
        let changed = world.change(adam, async |write| write.set_webhook(adam.may(other)?, None, None).await).await;
        assert!(matches!(changed, Err(Error::NotFound)), "the format does not change: {changed:?}");
        world.change(adam, async |write| write.remove_webhook(adam.may(RemoveWebhook { id })?).await).await.unwrap();
        assert_eq!(Raw::of(world).await.number("select count(*) from webhook_delivery").await, 0);
    }

    async fn d_10_messages_that_cannot_be_delivered_are_bounded_and_old_ones_deleted(world) {
        let adam = &world.acme.adam;
        let id = create(world, adam, WebhookKind::Generic).await;
        world.change(adam, async |write| write.test_webhook(adam.may(TestWebhook { id })?).await).await.unwrap();
        let mut raw = Raw::of(world).await;
        let new_id = if world.is_sqlite() { "randomblob(16)" } else { "gen_random_uuid()" };
        raw.run(&format!("with recursive x(n) as (select 1 union all select n + 1 from x where n < 9999)
            insert into webhook_delivery select tenant_id, {new_id}, webhook_id, event, items, 'dead', 1, null, '', created_at, created_at
            from webhook_delivery cross join x")).await.unwrap();
        world.change(adam, async |write| write.test_webhook(adam.may(TestWebhook { id })?).await).await.unwrap();
        assert_eq!(raw.number("select count(*) from webhook_delivery").await, 10_000, "no more are queued");
        world.wait(Duration::from_hours(24 * 15));
        while world.store.system().delete_expired_history(5_000).await.unwrap() {}
        assert_eq!(raw.number("select count(*) from webhook_delivery").await, 1, "the one that waits");
    }
}

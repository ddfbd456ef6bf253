//! Server functions that configure, test and remove webhooks, and deliver messages again.
use super::WEBHOOKS;
use crate::{
    outcome::{Done, Refusal},
    ui::ctx,
};
use domain::{
    WebhookId,
    notification::{Events, Notification, WebhookKind, webhook_host, webhook_name, webhook_url},
    policy,
};
use leptos::prelude::*;
use std::collections::BTreeMap;

/// Creates a webhook, or changes the one with `id`. An empty address keeps the current one.
#[server(prefix = "/actions", endpoint = "webhooks/save")]
pub async fn save_webhook(
    #[server(default)] kind: String,
    #[server(default)] name: String,
    #[server(default)] id: String,
    #[server(default)] url_secret: String,
    #[server(default)] events: BTreeMap<Notification, String>,
    #[server(default)] enabled: bool,
) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let known = if id.is_empty() { None } else { Some(ctx::id::<WebhookId>(&id)?) };
    let kind: WebhookKind = kind.parse()?;
    let url = match known.is_some() && url_secret.trim().is_empty() {
        true => None,
        false => Some(webhook_url(&url_secret).map_err(|invalid| domain::Invalid::new("url_secret", invalid.reason))?),
    };
    let id = known.unwrap_or_else(|| WebhookId(store::new_id()));
    let action = policy::SetWebhook {
        id,
        name: webhook_name(&name)?,
        kind,
        events: Events(events.into_keys().collect()),
        enabled: enabled || known.is_none(),
        new_host: url.as_deref().and_then(webhook_host).map(str::to_owned),
    };
    let proof = store.authorize(&actor, action).await?;
    let secret = match (kind, known) {
        (WebhookKind::Generic, None) => Some(store::new_webhook_secret()?),
        _ => None,
    };
    let mut write = store.write(&actor).await?;
    write.set_webhook(proof, url, secret.clone()).await?;
    write.commit().await?;
    Ok(match secret {
        Some(secret) => Done::Secret(secret),
        None => Done::GoTo(format!("{WEBHOOKS}/{id}")),
    })
}

#[server(prefix = "/actions", endpoint = "webhooks/remove")]
pub async fn remove_webhook(id: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let proof = store.authorize(&actor, policy::RemoveWebhook { id: ctx::id(&id)? }).await?;
    let mut write = store.write(&actor).await?;
    write.remove_webhook(proof).await?;
    write.commit().await?;
    Ok(Done::GoTo(WEBHOOKS.into()))
}

/// Replaces the signing secret and shows the new one once.
#[server(prefix = "/actions", endpoint = "webhooks/rotate")]
pub async fn rotate_webhook(id: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let proof = store.authorize(&actor, policy::RotateWebhookSecret { id: ctx::id(&id)? }).await?;
    let secret = store::new_webhook_secret()?;
    let mut write = store.write(&actor).await?;
    write.rotate_webhook_secret(proof, secret.clone()).await?;
    write.commit().await?;
    Ok(Done::Secret(secret))
}

/// Queues a test message, which is delivered like any other.
#[server(prefix = "/actions", endpoint = "webhooks/test")]
pub async fn test_webhook(id: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let proof = store.authorize(&actor, policy::TestWebhook { id: ctx::id(&id)? }).await?;
    let mut write = store.write(&actor).await?;
    write.test_webhook(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

#[server(prefix = "/actions", endpoint = "webhooks/redeliver")]
pub async fn redeliver(id: String, delivery: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let action = policy::RedeliverWebhook { id: ctx::id(&id)?, delivery: ctx::id(&delivery)? };
    let proof = store.authorize(&actor, action).await?;
    let mut write = store.write(&actor).await?;
    write.redeliver_webhook(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

//! The list of webhooks, and the page of a new one.
use super::{
    WEBHOOKS,
    actions::SaveWebhook,
    fields::{WebhookFields, kind_label},
};
use crate::{
    outcome::Refusal,
    ui::{
        Badge, BadgeTone, ButtonVariant, EmptyState, LinkButton, Live, Page, PageFuture, RowLink, SecretOnce, Section,
        Table, UntrustedText, ctx, page,
    },
};
use domain::{Actor, policy::ReadAudit};
use leptos::{prelude::*, server_fn::ServerFn};
use store::Webhook;

/// `/settings/webhooks`: admins and auditors read it.
pub fn list() -> PageFuture {
    page(webhooks)
}

async fn webhooks(actor: Actor) -> Result<Page, Refusal> {
    let store = ctx::store()?;
    let proof = store.authorize(&actor, ReadAudit).await?;
    let webhooks = store.read(&actor).await?.webhooks(&proof).await?;
    let new = || view! { <LinkButton href=format!("{WEBHOOKS}/new") variant=ButtonVariant::Primary>{t!("webhook-new")}</LinkButton> };
    let list = match webhooks.is_empty() {
        true => view! { <EmptyState title=t!("webhooks-empty") text=t!("webhooks-empty-text") /> }.into_any(),
        false => view! { <WebhookTable webhooks=webhooks /> }.into_any(),
    };
    let page = Page::new(Section::Other, t!("webhooks-title")).lead(t!("webhooks-lead"));
    Ok(page.action(actor.is_admin().then(new)).body(view! { <Live topics="people" region="webhooks">{list}</Live> }))
}

#[component]
fn WebhookTable(webhooks: Vec<Webhook>) -> impl IntoView {
    let headings =
        vec![t!("webhook-name"), t!("webhook-kind"), t!("webhook-host"), t!("webhook-state"), t!("webhook-dead")];
    let row = |webhook: Webhook| {
        view! {
            <tr>
                <RowLink href=format!("{WEBHOOKS}/{}", webhook.id)><UntrustedText text=webhook.name /></RowLink>
                <td>{kind_label(webhook.kind)}</td>
                <td><UntrustedText text=webhook.host /></td>
                <td><WebhookBadge enabled=webhook.enabled /></td>
                <td>{webhook.dead}</td>
            </tr>
        }
    };
    view! { <Table caption=t!("webhooks-title") headings=headings>{webhooks.into_iter().map(row).collect_view()}</Table> }
}

#[component]
pub(super) fn WebhookBadge(enabled: bool) -> impl IntoView {
    match enabled {
        true => view! { <Badge tone=BadgeTone::Good label=t!("webhook-active") /> },
        false => view! { <Badge tone=BadgeTone::Stopped label=t!("webhook-disabled") /> },
    }
}

/// `/settings/webhooks/new`.
pub fn new() -> PageFuture {
    page(async |actor: Actor| {
        ctx::admins_only(&actor)?;
        let page = Page::new(Section::Other, t!("webhook-new")).breadcrumb(WEBHOOKS, t!("webhooks-title"));
        Ok(page.lead(t!("webhook-new-lead")).body(view! {
            <SecretOnce action=SaveWebhook::PATH title=t!("webhook-secret") text=t!("webhook-secret-text") next=WEBHOOKS>
                <WebhookFields />
            </SecretOnce>
        }))
    })
}

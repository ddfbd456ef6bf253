//! The page of one webhook: its settings, its secret, and its messages.
use super::{
    WEBHOOKS,
    actions::{Redeliver, RemoveWebhook, RotateWebhook, TestWebhook},
    fields::{WebhookFields, kind_label},
    pages::WebhookBadge,
};
use crate::{
    notifications::messages::label,
    outcome::Refusal,
    ui::{
        Badge, BadgeTone, Button, ButtonVariant, Confirm, DescriptionItem, DescriptionList, Form, Live, PLACEHOLDER,
        Page, PageFuture, SecretOnce, Section, Sentence, Table, TimeAgo, UntrustedText, ctx, page,
    },
};
use domain::{Actor, WebhookId, notification::WebhookKind, policy::ReadAudit};
use leptos::{prelude::*, server_fn::ServerFn};
use store::{Delivery, Webhook};

/// Number of messages on the page.
const MAX_DELIVERIES: u32 = 50;

/// `/settings/webhooks/{id}`.
pub fn webhook_page() -> PageFuture {
    page(load)
}

async fn load(actor: Actor) -> Result<Page, Refusal> {
    let store = ctx::store()?;
    let proof = store.authorize(&actor, ReadAudit).await?;
    let id: WebhookId = ctx::param("id")?;
    let mut read = store.read(&actor).await?;
    let webhook = read.webhook(&proof, id).await?;
    let deliveries = read.deliveries(&proof, id, MAX_DELIVERIES).await?;
    let is_admin = actor.is_admin();
    let (name, enabled, kind, host) = (webhook.name.clone(), webhook.enabled, webhook.kind, webhook.host.clone());
    let page = Page::new(Section::Other, name.clone()).breadcrumb(WEBHOOKS, t!("webhooks-title"));
    Ok(page.badge(view! { <WebhookBadge enabled=enabled /> }).body(view! {
        <DescriptionList>
            <DescriptionItem name=t!("webhook-kind")>{kind_label(kind)}</DescriptionItem>
            <DescriptionItem name=t!("webhook-host")><UntrustedText text=host /></DescriptionItem>
            <DescriptionItem name=t!("webhook-changed")><TimeAgo at=webhook.changed_at /></DescriptionItem>
        </DescriptionList>
        <section class="stack">
            <h2>{t!("webhook-messages")}</h2>
            {is_admin.then(|| view! {
                <Form action=TestWebhook::PATH hidden=vec![("id", id.to_string())]>
                    <Button>{t!("webhook-test")}</Button>
                </Form>
            })}
            <Live topics="people" region="deliveries"><Deliveries id=id deliveries=deliveries is_admin=is_admin /></Live>
        </section>
        {is_admin.then(|| view! { <Settings webhook=webhook name=name /> })}
    }))
}

#[component]
fn Settings(webhook: Webhook, name: String) -> impl IntoView {
    let (id, overlap) = (webhook.id.to_string(), webhook.overlap_until.filter(|until| *until > ctx::now()));
    let removed = id.clone();
    let secret = (webhook.kind == WebhookKind::Generic).then(|| view! {
        <section>
            <h2>{t!("webhook-secret")}</h2>
            {overlap.map(|until| view! { <p><Sentence text=t!("webhook-overlap", time = PLACEHOLDER)><TimeAgo at=until /></Sentence></p> })}
            <SecretOnce action=RotateWebhook::PATH title=t!("webhook-secret-new") text=t!("webhook-secret-text")>
                <Confirm
                    label=t!("webhook-rotate-open") consequence=t!("webhook-rotate-consequence") act=t!("webhook-rotate")
                    action=RotateWebhook::PATH hidden=vec![("id", id)] variant=ButtonVariant::Primary
                />
            </SecretOnce>
        </section>
    });
    view! {
        <section>
            <h2>{t!("webhook-settings")}</h2>
            <WebhookFields webhook=Some(webhook) />
        </section>
        {secret}
        <section class="danger">
            <h2>{t!("webhook-remove-title")}</h2>
            <Confirm
                label=t!("webhook-remove-open") about=name consequence=t!("webhook-remove-consequence") act=t!("webhook-remove")
                action=RemoveWebhook::PATH hidden=vec![("id", removed)]
            />
        </section>
    }
}

#[component]
fn Deliveries(id: WebhookId, deliveries: Vec<Delivery>, is_admin: bool) -> impl IntoView {
    if deliveries.is_empty() {
        return view! { <p class="help">{t!("webhook-no-messages")}</p> }.into_any();
    }
    let mut headings = vec![t!("webhook-event"), t!("webhook-state"), t!("webhook-result"), t!("webhook-created")];
    if is_admin {
        headings.push(String::new());
    }
    let row = move |delivery: Delivery| {
        let hidden = vec![("id", id.to_string()), ("delivery", delivery.id.to_string())];
        let event = delivery.event.parse().map_or_else(|_| t!("webhook-test-event"), label);
        let redeliver = (delivery.state != "waiting").then(|| view! {
            <Form action=Redeliver::PATH class="in-row" hidden=hidden><Button>{t!("webhook-redeliver")}</Button></Form>
        });
        let next = delivery.next_at.filter(|_| delivery.attempts > 0);
        view! {
            <tr>
                <th scope="row">{event}</th>
                <td><DeliveryBadge state=delivery.state.clone() /></td>
                <td>
                    {result(&delivery)}
                    {next.map(|at| view! { " · "<Sentence text=t!("webhook-next", time = PLACEHOLDER)><TimeAgo at=at /></Sentence> })}
                </td>
                <td><TimeAgo at=delivery.created_at /></td>
                {is_admin.then(|| view! { <td>{redeliver}</td> })}
            </tr>
        }
    };
    view! { <Table caption=t!("webhook-messages") headings=headings>{deliveries.into_iter().map(row).collect_view()}</Table> }
        .into_any()
}

#[component]
fn DeliveryBadge(state: String) -> impl IntoView {
    match state.as_str() {
        "delivered" => view! { <Badge tone=BadgeTone::Good label=t!("webhook-delivered") /> },
        "dead" => view! { <Badge tone=BadgeTone::Bad label=t!("webhook-not-delivered") /> },
        _ => view! { <Badge tone=BadgeTone::Waiting label=t!("webhook-waiting") /> },
    }
}

/// Returns the result of the last attempt.
fn result(delivery: &Delivery) -> String {
    let what = match delivery.result.as_str() {
        "" => return String::new(),
        "address" => t!("webhook-result-address"),
        "redirect" => t!("webhook-result-redirect"),
        "disabled" => t!("webhook-result-disabled"),
        "no_response" => t!("webhook-result-none"),
        status => t!("webhook-result-status", status = status.to_owned()),
    };
    t!("webhook-attempts", n = delivery.attempts, result = what)
}

//! The form of a webhook, for a new one and for changes.
use super::actions::SaveWebhook;
use crate::{
    notifications::messages::{field, label},
    ui::{Button, ButtonVariant, Checkbox, Choice, Field, Form, Group, Select},
};
use domain::notification::{Notification, WebhookKind};
use leptos::{prelude::*, server_fn::ServerFn};
use store::Webhook;

pub(super) fn kind_label(kind: WebhookKind) -> String {
    match kind {
        WebhookKind::Generic => t!("webhook-kind-generic"),
        WebhookKind::Slack => t!("webhook-kind-slack"),
    }
}

#[component]
pub(super) fn WebhookFields(#[prop(optional_no_strip)] webhook: Option<Webhook>) -> impl IntoView {
    let choice = |kind: &WebhookKind| Choice::new(kind.to_string(), kind_label(*kind));
    let hidden = webhook.as_ref().map(|known| vec![("id", known.id.to_string()), ("kind", known.kind.to_string())]);
    let is_new = webhook.is_none();
    let (name, url_help) = match &webhook {
        Some(known) => (known.name.clone(), t!("webhook-url-keep", host = known.host.clone())),
        None => (String::new(), t!("webhook-url-help")),
    };
    let enabled = webhook.as_ref().is_some_and(|known| known.enabled);
    let events = webhook.map_or_else(|| Notification::ALL.iter().copied().collect(), |known| known.events.0);
    let event = move |event: &Notification| {
        view! { <Checkbox name=field("events", *event) label=label(*event) ticked=events.contains(event) /> }
    };
    view! {
        <Form action=SaveWebhook::PATH hidden=hidden.unwrap_or_default()>
            {is_new.then(|| view! {
                <Select name="kind" label=t!("webhook-kind") help=t!("webhook-kind-help") choices=WebhookKind::ALL.iter().map(choice).collect() />
            })}
            <Field name="name" label=t!("webhook-name") value=name required=true />
            <Field name="url_secret" label=t!("webhook-url") help=url_help kind="url" required=is_new />
            <Group name="events" label=t!("webhook-events")>
                {Notification::ALL.iter().map(event).collect_view()}
            </Group>
            {(!is_new).then(|| view! { <Checkbox name="enabled" label=t!("webhook-enabled") help=t!("webhook-enabled-help") ticked=enabled /> })}
            <Button variant=ButtonVariant::Primary>{if is_new { t!("webhook-create") } else { t!("webhook-save") }}</Button>
        </Form>
    }
}

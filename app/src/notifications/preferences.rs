//! The page of notification preferences: which events reach the person, and through which channels.
use super::{
    actions::SavePreferences,
    messages::{field, label},
};
use crate::{
    outcome::Refusal,
    ui::{Button, ButtonVariant, Checkbox, Form, Group, Page, PageFuture, Section, ctx, page},
};
use domain::{
    Actor,
    notification::{Channels, Notification},
};
use leptos::{prelude::*, server_fn::ServerFn};

/// `/account/notifications`.
pub fn preferences() -> PageFuture {
    page(load)
}

async fn load(actor: Actor) -> Result<Page, Refusal> {
    let store = ctx::store()?;
    let chosen = store.read(&actor).await?.notification_preferences().await?;
    let mails = store.is_mail_enabled();
    let row = |(event, Channels { inbox, mail }): (Notification, Channels)| {
        view! {
            <Group name=event.as_str() label=label(event)>
                <Checkbox name=field("inbox", event) label=t!("channel-inbox") ticked=inbox />
                <Checkbox name=field("mail", event) label=t!("channel-mail") ticked=mail />
            </Group>
        }
    };
    Ok(Page::new(Section::Account, t!("notification-settings")).lead(t!("notification-settings-lead")).body(view! {
        {(!mails).then(|| view! { <p class="notice">{t!("notification-without-mail")}</p> })}
        <Form action=SavePreferences::PATH>
            {chosen.into_iter().map(row).collect_view()}
            <Button variant=ButtonVariant::Primary>{t!("notification-save")}</Button>
        </Form>
    }))
}

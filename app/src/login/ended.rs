//! What is shown where a session ended while a form was filled in: what was typed waits on the page, and is sent from there.
use crate::{
    outcome::Answered,
    ui::{Button, Form, Look},
};
use leptos::prelude::*;

/// The form that came too late, as hidden fields, to be sent again once one is signed in elsewhere: with whatever second
/// factor or provider that takes. Nothing of it is kept on the server.
#[component]
pub fn Ended(
    /// What was sent, and not done.
    answered: Answered,
    /// The page that the form stands on.
    #[prop(into)]
    page: String,
    /// Where one signs in without it.
    #[prop(into)]
    leave: String,
) -> impl IntoView {
    let Answered { action, values, .. } = answered;
    let kept = values.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> });
    view! {
        <p class="lead">{t!("ended-lead")}</p>
        <ol class="steps">
            <li>
                <a href="/sign-in" target="_blank" rel="noopener">{t!("ended-sign-in")}</a>
            </li>
            <li>{t!("ended-come-back")}</li>
        </ol>
        <Form action=action page=page class="after">
            {kept.collect_view()}
            <p class="help">{t!("ended-secrets")}</p>
            <Button look=Look::Main>{t!("ended-send")}</Button>
        </Form>
        <p class="after"><a href=leave>{t!("ended-leave")}</a></p>
    }
}

//! The answer to a form whose browser session expired: its values stay on the page and can be submitted again.
use crate::{
    outcome::Answered,
    ui::{Button, Form, Look},
};
use leptos::prelude::*;

/// The expired form as hidden fields, to be submitted again after signing in in another tab, with whatever second factor or
/// provider that takes. The server stores nothing.
#[component]
pub fn ExpiredForm(
    /// The form that was refused.
    answered: Answered,
    /// The page of the form.
    #[prop(into)]
    page: String,
    /// The address of the sign-in page without the form.
    #[prop(into)]
    leave: String,
) -> impl IntoView {
    let Answered { action, values, .. } = answered;
    let kept = values.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> });
    view! {
        <p class="lead">{t!("session-ended-lead")}</p>
        <ol class="steps">
            <li>
                <a href="/sign-in" target="_blank" rel="noopener">{t!("session-ended-sign-in")}</a>
            </li>
            <li>{t!("session-ended-return")}</li>
        </ol>
        <Form action=action page=page class="after">
            {kept.collect_view()}
            <p class="help">{t!("session-ended-secrets")}</p>
            <Button look=Look::Main>{t!("session-ended-send")}</Button>
        </Form>
        <p class="after"><a href=leave>{t!("session-ended-leave")}</a></p>
    }
}

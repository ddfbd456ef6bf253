//! Two-step actions: the consequence is shown before the button that acts. No JavaScript is needed.
use super::{Button, ButtonVariant, Form, FormState};
use leptos::prelude::*;

/// A button that reveals the consequence and the button that acts.
#[component]
pub fn Confirm(
    /// The first button: `Revoke…`.
    #[prop(into)]
    label: String,
    /// The object's name for screen readers, if the page has several such buttons.
    #[prop(optional, into)]
    about: String,
    /// The consequence in one or two sentences, unless the button is clear enough.
    #[prop(optional, into)]
    consequence: Option<String>,
    /// The second button: `Revoke key`.
    #[prop(into)]
    act: String,
    /// The path of the server function.
    action: &'static str,
    hidden: Vec<(&'static str, String)>,
    #[prop(default = ButtonVariant::Danger)] variant: ButtonVariant,
    /// Fields above the second button.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let open = FormState::of(action, &hidden).refused();
    view! {
        <details class="confirm" open=open>
            <summary class="button">{label}<span class="sr-only">" "{about}</span></summary>
            <div class="confirm-box">
                {consequence.map(|text| view! { <p>{text}</p> })}
                <Form action=action hidden=hidden>
                    {children.map(|children| children())}
                    <Button variant=variant>{act}</Button>
                </Form>
            </div>
        </details>
    }
}

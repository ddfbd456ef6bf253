//! An act in two steps: it says what it will do, and asks what it must know, before it does it. Works without JavaScript.
use super::{Button, Filled, Form, Look};
use leptos::prelude::*;

/// A button that opens what it will do, with the button that does it.
#[component]
pub fn Confirm(
    /// What the first button says: `Revoke…`.
    #[prop(into)]
    label: String,
    /// What it is done to, for screen readers, where several stand on one page.
    #[prop(optional, into)]
    about: String,
    /// What will happen, in a sentence or two, where the button does not say it.
    #[prop(optional, into)]
    consequence: Option<String>,
    /// What the second button says: `Revoke key`.
    #[prop(into)]
    act: String,
    /// The path of the server function.
    action: &'static str,
    /// What it is done to.
    hidden: Vec<(&'static str, String)>,
    /// How the second button looks.
    #[prop(default = Look::Danger)]
    look: Look,
    /// Fields above that button.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let open = Filled::of(action, &hidden).refused();
    view! {
        <details class="confirm" open=open>
            <summary class="button">{label}<span class="sr-only">" "{about}</span></summary>
            <div class="confirm-box">
                {consequence.map(|text| view! { <p>{text}</p> })}
                <Form action=action hidden=hidden>
                    {children.map(|children| children())}
                    <Button look=look>{act}</Button>
                </Form>
            </div>
        </details>
    }
}

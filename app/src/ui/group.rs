//! Boxes to tick that belong together, with one label and one error.
use super::Filled;
use leptos::prelude::*;

/// A group of [`super::Checkbox`]es.
#[component]
pub fn Group(
    /// The field that errors are about.
    #[prop(into)]
    name: String,
    /// What to choose.
    #[prop(into)]
    label: String,
    /// What is allowed, and what it is for.
    #[prop(optional, into)]
    help: Option<String>,
    /// The boxes.
    children: Children,
) -> impl IntoView {
    let filled = use_context::<Filled>().unwrap_or_default();
    filled.note(&name, &label);
    let (id, error) = (filled.id_of(&name), filled.error(&name));
    view! {
        <fieldset class="group" id=id tabindex="-1">
            <legend>{label}</legend>
            {error.map(|text| view! { <p class="field-error">{text}</p> })}
            {help.map(|text| view! { <p class="help">{text}</p> })}
            {children()}
        </fieldset>
    }
}

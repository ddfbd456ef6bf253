//! Checkbox groups with one label and one error.
use super::Filled;
use leptos::prelude::*;

/// A group of [`super::Checkbox`]es.
#[component]
pub fn Group(
    /// The field that errors refer to.
    #[prop(into)]
    name: String,
    #[prop(into)]
    label: String,
    #[prop(optional, into)]
    help: Option<String>,
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

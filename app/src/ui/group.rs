//! Checkbox groups with one label and one error.
use super::FormState;
use leptos::prelude::*;

/// A group of [`super::Checkbox`]es.
#[component]
pub fn Group(
    /// The field that errors refer to.
    #[prop(into)]
    name: String,
    #[prop(into)] label: String,
    #[prop(optional, into)] help: Option<String>,
    children: Children,
) -> impl IntoView {
    let form = use_context::<FormState>().unwrap_or_default();
    form.register(&name, &label);
    let (id, error) = (form.id_of(&name), form.error(&name));
    view! {
        <fieldset class="group" id=id tabindex="-1">
            <legend>{label}</legend>
            {error.map(|text| view! { <p class="field-error">{text}</p> })}
            {help.map(|text| view! { <p class="help">{text}</p> })}
            {children()}
        </fieldset>
    }
}

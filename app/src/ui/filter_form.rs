//! The filter form above a list: a plain GET form.
use super::{Choice, ctx};
use leptos::prelude::*;

/// A form of [`FilterText`]s and [`FilterSelect`]s. It keeps all other fields of the query.
#[component]
pub fn FilterForm(
    /// The accessible name.
    #[prop(into)]
    label: String,
    /// The names of the form's own fields.
    fields: &'static [&'static str],
    children: Children,
) -> impl IntoView {
    let here = ctx::here().from_start();
    let others: Vec<(String, String)> = here
        .query()
        .filter(|(name, _)| !fields.contains(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    view! {
        <form class="narrow" method="get" action=here.path.clone() role="search" aria-label=label>
            {others.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> }).collect_view()}
            {children()}
            <button class="button" type="submit">{t!("search")}</button>
        </form>
    }
}

/// A text filter.
#[component]
pub fn FilterText(
    /// The query field.
    name: &'static str,
    #[prop(into)] label: String,
    /// `search`, `date` …
    kind: &'static str,
) -> impl IntoView {
    let (id, value) = (format!("narrow-{name}"), current_value(name));
    view! {
        <div class="narrow-field">
            <label for=id.clone()>{label}</label>
            <input class="input" id=id type=kind name=name value=value />
        </div>
    }
}

/// A filter with one of several values, or any.
#[component]
pub fn FilterSelect(
    /// The query field.
    name: &'static str,
    #[prop(into)] label: String,
    /// The label of no filter.
    #[prop(into)]
    any: String,
    choices: Vec<Choice>,
) -> impl IntoView {
    let (id, chosen) = (format!("narrow-{name}"), current_value(name));
    // A filter value outside the usual choices stays selected.
    let other = !chosen.is_empty() && choices.iter().all(|choice| choice.value != chosen);
    let other = other.then(|| Choice::new(chosen.clone(), chosen.clone()));
    let option = move |choice: Choice| {
        let selected = choice.value == chosen;
        view! { <option value=choice.value selected=selected>{choice.label}</option> }
    };
    view! {
        <div class="narrow-field">
            <label for=id.clone()>{label}</label>
            <select class="input" id=id name=name>
                <option value="">{any}</option>
                {choices.into_iter().chain(other).map(option).collect_view()}
            </select>
        </div>
    }
}

fn current_value(name: &str) -> String {
    ctx::here().get(name).unwrap_or_default().to_owned()
}

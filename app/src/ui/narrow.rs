//! The fields above a list that narrow it: a plain form whose answer is an address.
use super::{Choice, ctx};
use leptos::prelude::*;

/// A form of [`NarrowText`]s and [`NarrowChoice`]s. Everything else that stands in the address is kept.
#[component]
pub fn Narrow(
    /// What it does, for screen readers.
    #[prop(into)]
    label: String,
    /// The names of its own fields.
    fields: &'static [&'static str],
    /// Its fields.
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

/// A text to narrow by.
#[component]
pub fn NarrowText(
    /// The field in the address.
    name: &'static str,
    /// What may be written.
    #[prop(into)]
    label: String,
    /// `search`, `date` …
    kind: &'static str,
) -> impl IntoView {
    let (id, value) = (format!("narrow-{name}"), now(name));
    view! {
        <div class="narrow-field">
            <label for=id.clone()>{label}</label>
            <input class="input" id=id type=kind name=name value=value />
        </div>
    }
}

/// One out of several values, or any.
#[component]
pub fn NarrowChoice(
    /// The field in the address.
    name: &'static str,
    /// What to choose.
    #[prop(into)]
    label: String,
    /// What not choosing is called.
    #[prop(into)]
    any: String,
    /// The values.
    choices: Vec<Choice>,
) -> impl IntoView {
    let (id, chosen) = (format!("narrow-{name}"), now(name));
    // What the list is narrowed by stays chosen, also where it is none of the usual values.
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

fn now(name: &str) -> String {
    ctx::here().get(name).unwrap_or_default().to_owned()
}

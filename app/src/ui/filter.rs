//! What a list is narrowed by; all of it stands in the address.
use super::{Address, ctx};
use leptos::prelude::*;

/// The row above a list.
#[component]
pub fn FilterRow(
    /// What it does, for screen readers.
    #[prop(into)]
    label: String,
    /// [`Search`] and [`Chip`]s.
    children: Children,
) -> impl IntoView {
    view! { <div class="filters" role="group" aria-label=label>{children()}</div> }
}

/// A value to narrow by, with how many there are; chosen again it is taken away.
#[component]
pub fn Chip(
    /// The field in the address.
    name: &'static str,
    /// Its value.
    #[prop(into)]
    value: String,
    /// What it says.
    #[prop(into)]
    label: String,
    /// How many the list would have.
    #[prop(optional)]
    count: Option<u64>,
    /// Whether there may be more than were counted.
    #[prop(optional)]
    more: bool,
) -> impl IntoView {
    let here = ctx::here().from_start();
    let on = here.get(name) == Some(value.as_str());
    let href = if on { here.without(name) } else { here.with(name, value) };
    view! {
        <a class="chip" href=href.to_string() aria-current=on.then_some("true")>
            {label}
            {count.map(|count| view! { <Count of=count more=more /> })}
        </a>
    }
}

/// How many there are of what a chip says; nothing where none was found among those that were looked at.
#[component]
pub fn Count(
    /// How many.
    of: u64,
    /// Whether there may be more than were counted.
    more: bool,
) -> impl IntoView {
    (of > 0 || !more).then(|| view! { <span class="count">{counted(of, more)}</span> })
}

/// The store counts one more at most.
const COUNTED: u64 = 99;

fn counted(count: u64, more: bool) -> String {
    match more || count > COUNTED {
        true => t!("count-more", n = count.min(COUNTED).to_string()),
        false => count.to_string(),
    }
}

/// A text to search by. Everything else that stands in the address is kept.
#[component]
pub fn Search(
    /// The field in the address.
    name: &'static str,
    /// What may be searched for.
    #[prop(into)]
    label: String,
) -> impl IntoView {
    let here = ctx::here().from_start();
    let value = here.get(name).unwrap_or_default().to_owned();
    let others = kept(&here, name);
    view! {
        <form class="search" method="get" action=here.path.clone() role="search">
            {others.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> }).collect_view()}
            <label class="sr-only" for="search">{label.clone()}</label>
            <input class="input" id="search" type="search" name=name value=value placeholder=label />
            <button class="button" type="submit">{t!("search")}</button>
        </form>
    }
}

fn kept(here: &Address, name: &str) -> Vec<(String, String)> {
    here.query().filter(|(n, _)| *n != name).map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
}

//! What a list is narrowed by; all of it stands in the address.
use super::ctx;
use leptos::prelude::*;

/// The row above a list.
#[component]
pub fn FilterRow(
    /// What it does, for screen readers.
    #[prop(into)]
    label: String,
    /// [`Chip`]s.
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

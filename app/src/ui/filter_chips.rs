//! Filter chips above a list, whose state is in the query string.
use super::ctx;
use leptos::prelude::*;

/// A row of filter chips.
#[component]
pub fn FilterRow(
    /// The accessible name.
    #[prop(into)]
    label: String,
    /// [`Chip`]s.
    children: Children,
) -> impl IntoView {
    view! { <div class="filters" role="group" aria-label=label>{children()}</div> }
}

/// A filter value with the number of matching rows; a second click removes it.
#[component]
pub fn Chip(
    /// The query field.
    name: &'static str,
    #[prop(into)] value: String,
    #[prop(into)] label: String,
    /// The number of matching rows.
    #[prop(optional)]
    count: Option<u64>,
    /// Whether the count is a lower bound.
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

/// The count on a chip; hidden when the scan stopped early and found no rows.
#[component]
pub fn Count(
    of: u64,
    /// Whether the count is a lower bound.
    more: bool,
) -> impl IntoView {
    (of > 0 || !more).then(|| view! { <span class="count">{count_label(of, more)}</span> })
}

/// The store counts up to one more.
const MAX_COUNT: u64 = 99;

fn count_label(count: u64, more: bool) -> String {
    match more || count > MAX_COUNT {
        true => t!("count-more", n = count.min(MAX_COUNT).to_string()),
        false => count.to_string(),
    }
}

//! Description lists: a name and a value each.
use leptos::prelude::*;

/// A description list.
#[component]
pub fn Facts(
    /// [`Fact`]s.
    children: Children,
) -> impl IntoView {
    view! { <dl class="facts">{children()}</dl> }
}

/// One name and value.
#[component]
pub fn Fact(
    #[prop(into)]
    name: String,
    children: Children,
) -> impl IntoView {
    view! {
        <div>
            <dt>{name}</dt>
            <dd>{children()}</dd>
        </div>
    }
}

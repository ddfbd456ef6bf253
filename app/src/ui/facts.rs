//! Facts about one thing: a name and a value each.
use leptos::prelude::*;

/// The list.
#[component]
pub fn Facts(
    /// Each a [`Fact`].
    children: Children,
) -> impl IntoView {
    view! { <dl class="facts">{children()}</dl> }
}

/// One of them.
#[component]
pub fn Fact(
    /// What it is.
    #[prop(into)]
    name: String,
    /// How it is.
    children: Children,
) -> impl IntoView {
    view! {
        <div>
            <dt>{name}</dt>
            <dd>{children()}</dd>
        </div>
    }
}

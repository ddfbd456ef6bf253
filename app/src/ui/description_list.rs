//! Description lists: a name and a value each.
use leptos::prelude::*;

/// A description list.
#[component]
pub fn DescriptionList(
    /// [`DescriptionItem`]s.
    children: Children,
) -> impl IntoView {
    view! { <dl class="facts">{children()}</dl> }
}

/// One name and value.
#[component]
pub fn DescriptionItem(#[prop(into)] name: String, children: Children) -> impl IntoView {
    view! {
        <div>
            <dt>{name}</dt>
            <dd>{children()}</dd>
        </div>
    }
}

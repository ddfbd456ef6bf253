//! What stands where nothing is yet: what this is, why it is empty, and the first step.
use leptos::prelude::*;

/// An empty list.
#[component]
pub fn Empty(
    /// What is missing, in a few words.
    #[prop(into)]
    title: String,
    /// What this is and why it is empty.
    #[prop(into)]
    text: String,
    /// The first step: a link or a button.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <h2>{title}</h2>
            <p>{text}</p>
            {children.map(|children| children())}
        </div>
    }
}

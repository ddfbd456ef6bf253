//! What a page is called in the browser's tab.
use super::rcdata::rcdata;
use leptos::prelude::*;
use leptos_meta::Title;

/// The page's name and the product's. Names come from people: a task's title, an organisation.
#[component]
pub(super) fn TabTitle(page: String) -> impl IntoView {
    view! { <Title text=rcdata(&t!("title", page = page)) /> }
}

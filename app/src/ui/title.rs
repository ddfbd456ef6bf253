//! What a page is called in the browser's tab.
use super::rcdata::rcdata;
use leptos::prelude::*;

/// The page's name and the product's. Names come from people: a task's title, an organization.
#[component]
pub(crate) fn TabTitle(page: String) -> impl IntoView {
    view! { <title inner_html=rcdata(&t!("title", page = page)) /> }
}

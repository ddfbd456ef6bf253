//! The title of the browser tab.
use super::escape::escape_rcdata;
use leptos::prelude::*;

/// The page's title and the product's name. Titles come from people: a task, an organization.
#[component]
pub(crate) fn TabTitle(page: String) -> impl IntoView {
    view! { <title inner_html=escape_rcdata(&t!("title", page = page)) /> }
}

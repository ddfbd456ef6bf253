//! The number of waiting approval requests in the title and the icon of the tab, as the navigation shows it.
use crate::dom;
use leptos::prelude::*;
use std::cell::RefCell;

/// Where the number is, and what the tab shows without one.
struct Tab {
    region: String,
    title: String,
    icon: String,
    waiting_icon: String,
}

thread_local! {
    static TAB: RefCell<Option<Tab>> = const { RefCell::new(None) };
}

/// Renders nothing itself.
#[island]
pub fn WaitingCount(
    /// The id of the region that contains the number.
    region: String,
    /// The URL of the icon.
    icon: String,
    /// The URL of the icon while requests wait.
    waiting_icon: String,
) -> impl IntoView {
    Effect::new(move |_| {
        let title = dom::document().map(|document| document.title()).unwrap_or_default();
        let tab = Tab { region: region.clone(), title, icon: icon.clone(), waiting_icon: waiting_icon.clone() };
        TAB.set(Some(tab));
        refresh();
    });
    view! { <span hidden=true></span> }
}

/// Shows the number that is in the region now.
pub(crate) fn refresh() {
    TAB.with_borrow(|tab| {
        let (Some(tab), Some(document)) = (tab, dom::document()) else { return };
        let count = dom::by_id(&tab.region).and_then(|region| region.query_selector(".count").ok()?);
        let text = count.and_then(|count| count.text_content()).unwrap_or_default();
        let number: String = text.chars().take_while(char::is_ascii_digit).collect();
        document.set_title(&with_count(&tab.title, &number));
        if let Ok(Some(link)) = document.query_selector("link[rel='icon']") {
            let _ = link.set_attribute("href", if number.is_empty() { &tab.icon } else { &tab.waiting_icon });
        }
    });
}

fn with_count(title: &str, number: &str) -> String {
    if number.is_empty() { title.to_owned() } else { format!("({number}) {title}") }
}

#[cfg(test)]
mod tests {
    use super::with_count;

    #[test]
    fn d_10_the_title_begins_with_the_number_of_waiting_requests() {
        assert_eq!((with_count("Tasks", "3"), with_count("Tasks", "")), ("(3) Tasks".into(), "Tasks".into()));
    }
}

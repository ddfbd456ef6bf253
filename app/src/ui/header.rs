//! Header components: the search field and the organization switcher.
use super::{Address, Glyph, Icon, UntrustedText, ctx};
use crate::organizations::choice::{display_name, has_choice};
use leptos::prelude::*;
use store::Organization;

/// The global search field; a link to the search page on narrow screens.
#[component]
pub(super) fn SearchField() -> impl IntoView {
    view! {
        <form class="bar-search" method="get" action="/search" role="search" aria-label=t!("search-everything")>
            <Icon of=Glyph::Search />
            <input
                class="input" type="search" name="q" maxlength="100" aria-label=t!("search-everything")
                placeholder=t!("search-everything") aria-keyshortcuts="Control+K"
            />
            <kbd aria-hidden="true">"Ctrl K"</kbd>
        </form>
        <a class="button bar-search-link" href="/search"><Icon of=Glyph::Search /><span class="sr-only">{t!("search-everything")}</span></a>
    }
}

/// The lists that can be filtered by organization.
const FILTERABLE: [&str; 2] = ["/tasks", "/approvals"];

/// Returns the target of choosing an organization: the current list if it can be filtered, otherwise the tasks.
fn filter_url(here: &Address, organization: Option<String>) -> String {
    let list =
        if FILTERABLE.contains(&here.path.as_str()) { here.clone().from_start() } else { Address::new("/tasks") };
    match organization {
        Some(id) => list.with("organization", id).to_string(),
        None => list.without("organization").to_string(),
    }
}

/// The organization switcher, for people in several organizations.
#[component]
pub(super) fn OrganizationSwitcher(organizations: Vec<Organization>) -> impl IntoView {
    let here = ctx::here();
    let chosen = here.get("organization").map(str::to_owned);
    let named =
        organizations.iter().find(|organization| chosen.as_deref() == Some(organization.id.to_string().as_str()));
    let name = named.map_or_else(|| t!("organization-switch-all"), display_name);
    let several = has_choice(&organizations);
    let all = (filter_url(&here, None), t!("organization-switch-all"), named.is_none());
    let chosen = named.map(|organization| organization.id);
    let choices = organizations.into_iter().map(|organization| {
        (
            filter_url(&here, Some(organization.id.to_string())),
            display_name(&organization),
            chosen == Some(organization.id),
        )
    });
    let choice = |(href, name, on): (String, String, bool)| {
        view! { <li><a class="nav-link" href=href aria-current=on.then_some("true")><UntrustedText text=name /></a></li> }
    };
    let choices = [all].into_iter().chain(choices).map(choice).collect_view();
    several.then(|| {
        view! {
            <details class="switch">
                <summary class="button">
                    <Icon of=Glyph::Organization />
                    <span class="sr-only">{t!("switch")}": "</span>
                    <span class="switch-name"><UntrustedText text=name /></span>
                    <Icon of=Glyph::Down />
                </summary>
                <ul class="menu" aria-label=t!("switch")>{choices}</ul>
            </details>
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switching_filters_the_current_list_from_its_start() {
        let here = Address::new("/approvals").with("state", "all").with("after", "x");
        assert_eq!(filter_url(&here, Some("o1".into())), "/approvals?state=all&organization=o1");
        assert_eq!(filter_url(&here.with("organization", "o1"), None), "/approvals?state=all");
        assert_eq!(filter_url(&Address::new("/keys"), Some("o1".into())), "/tasks?organization=o1");
    }
}

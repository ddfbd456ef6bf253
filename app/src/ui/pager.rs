//! Older and newer: a list goes on where the last row was (keyset), so that nothing is skipped while rows come.
use super::{Address, ctx};
use leptos::prelude::*;

/// Links to what is older, and back to what is newest.
#[component]
pub fn Pager(
    /// Where the list goes on, as the store says; `None` at its end.
    next: Option<String>,
) -> impl IntoView {
    let (newest, older) = ways(ctx::here(), next);
    (newest.is_some() || older.is_some()).then(|| {
        view! {
            <nav class="pager" aria-label=t!("pager")>
                {newest.map(|href| view! { <a class="button" href=href rel="first">{t!("pager-newest")}</a> })}
                {older.map(|href| view! { <a class="button" href=href rel="next">{t!("pager-older")}</a> })}
            </nav>
        }
    })
}

/// Where one can go from here: to the newest when this is not them, to the older when there are any.
fn ways(here: Address, next: Option<String>) -> (Option<String>, Option<String>) {
    let newest = here.get("after").is_some().then(|| here.clone().from_start().to_string());
    (newest, next.map(|cursor| here.with("after", cursor).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pager_keeps_the_filter_and_leads_nowhere_on_a_single_page() {
        let here = Address::new("/tasks").with("state", "queued");
        assert_eq!(ways(here.clone(), None), (None, None));
        assert_eq!(ways(here.clone(), Some("c1".into())).1.unwrap(), "/tasks?state=queued&after=c1");
        let (newest, older) = ways(here.with("after", "c1"), None);
        assert_eq!((newest.unwrap().as_str(), older), ("/tasks?state=queued", None));
    }
}

//! Keyset pagination: a page starts after the last row of the one before, so that new rows shift nothing.
use super::{Address, ctx};
use leptos::prelude::*;

/// Links to the newest, newer and older rows.
#[component]
pub fn Pager(
    /// The cursor of the next page; `None` at the end.
    next: Option<String>,
    /// The first row of this page if there are newer ones, for lists with pages in both directions.
    #[prop(optional_no_strip)]
    newer: Option<String>,
    /// Whether the list is ordered by something other than time.
    #[prop(optional)]
    by_name: bool,
) -> impl IntoView {
    let PagerLinks { newest, newer, older } = pager_links(ctx::here(), next, newer);
    let (first, on) = match by_name {
        true => (t!("pager-first"), t!("pager-next")),
        false => (t!("pager-newest"), t!("pager-older")),
    };
    (newest.is_some() || newer.is_some() || older.is_some()).then(|| {
        view! {
            <nav class="pager" aria-label=t!("pager")>
                {newest.map(|href| view! { <a class="button" href=href rel="first">{first}</a> })}
                {newer.map(|href| view! { <a class="button" href=href rel="prev">{t!("pager-newer")}</a> })}
                {older.map(|href| view! { <a class="button" href=href rel="next">{on}</a> })}
            </nav>
        }
    })
}

/// A note that a list without pagination is truncated.
#[component]
pub fn TruncationNote(shown: usize, limit: usize) -> impl IntoView {
    (shown >= limit).then(|| view! { <p class="help">{t!("list-ends", n = limit)}</p> })
}

/// The links of a pager.
#[derive(Debug, PartialEq, Eq)]
struct PagerLinks {
    newest: Option<String>,
    newer: Option<String>,
    older: Option<String>,
}

/// Returns the links: to the newest page unless it is the current one, and to newer and older rows if there are any.
fn pager_links(here: Address, next: Option<String>, newer: Option<String>) -> PagerLinks {
    let start = here.clone().from_start();
    let is_start = here.get("after").is_none() && here.get("before").is_none();
    PagerLinks {
        newest: (!is_start).then(|| start.to_string()),
        newer: newer.map(|first| start.clone().with("before", first).to_string()),
        older: next.map(|cursor| start.with("after", cursor).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pager_keeps_the_filter_and_is_empty_on_a_single_page() {
        let here = Address::new("/tasks").with("state", "queued");
        assert_eq!(pager_links(here.clone(), None, None), PagerLinks { newest: None, newer: None, older: None });
        let first = pager_links(here.clone(), Some("c1".into()), None);
        assert_eq!((first.newest, first.older.unwrap().as_str()), (None, "/tasks?state=queued&after=c1"));
        let later = pager_links(here.with("after", "c1"), None, Some("r1".into()));
        assert_eq!(later.newest.unwrap(), "/tasks?state=queued");
        assert_eq!((later.newer.unwrap().as_str(), later.older), ("/tasks?state=queued&before=r1", None));
    }
}

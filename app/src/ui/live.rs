//! Live regions of a page; without JavaScript, a reload link.
use super::ctx;
use islands::Watch;
use leptos::{context::Provider, prelude::*};

/// The context of components inside a live region.
#[derive(Clone, Copy, Debug)]
pub(super) struct Changing;

/// A region that is kept up to date. It must not contain islands: the server's HTML replaces its content.
#[component]
pub fn Live(
    /// Topics, separated by commas: `tasks,approvals`, or `tasks:ID` for a single task.
    #[prop(into)]
    topics: String,
    /// The id of the region.
    region: &'static str,
    /// Updates at once, regardless of the scroll position: for small parts such as counts.
    #[prop(optional)]
    quiet: bool,
    children: Children,
) -> impl IntoView {
    let (reload, now) = (ctx::here().to_string(), ctx::now().to_string());
    view! {
        <Watch topics=topics region=region.into() page=reload.clone() since=ctx::since() now=now quiet=quiet newer=t!("live-newer", n = "{n}") />
        <div id=region class="live">
            <Provider value=Changing>{children()}</Provider>
        </div>
        {(!quiet).then(|| view! { <noscript><a class="button" href=reload>{t!("live-reload")}</a></noscript> })}
    }
}

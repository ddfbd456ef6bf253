//! A part of a page that follows what happens; without JavaScript, a link to load it again.
use super::ctx;
use islands::Watch;
use leptos::prelude::*;

/// Wraps what is to be kept up to date. No island may stand inside: its content is replaced by the server's.
#[component]
pub fn Live(
    /// What is heard of, separated by commas: `tasks,approvals`; `tasks:ID` for one of them only.
    #[prop(into)]
    topics: String,
    /// The region's id on the page.
    region: &'static str,
    /// Replaces at once, wherever one has scrolled, and offers nothing: for a count in the frame.
    #[prop(optional)]
    quiet: bool,
    /// The region.
    children: Children,
) -> impl IntoView {
    let (reload, now) = (ctx::here().to_string(), ctx::now().to_string());
    view! {
        <Watch topics=topics region=region.into() page=reload.clone() since=ctx::since() now=now quiet=quiet newer=t!("live-newer", n = "{n}") />
        <div id=region class="live">
            {children()}
        </div>
        {(!quiet).then(|| view! { <noscript><a class="button" href=reload>{t!("live-reload")}</a></noscript> })}
    }
}

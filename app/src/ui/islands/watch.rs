//! Keeps a region of the page up to date.
use leptos::prelude::*;

/// Stands before its region; is seen only while there is something newer than what is read.
#[island]
pub fn Watch(
    /// What is heard of, separated by commas: topics, or a topic and the one thing that it is about (`tasks:ID`).
    topics: String,
    /// The region's id.
    region: String,
    /// The page that the region stands on. The address bar tells another one where the page was rendered in reply to a form.
    page: String,
    /// When it was read: what changes from then on is heard.
    since: String,
    /// The server's time then (RFC 3339).
    now: String,
    /// Whether it replaces wherever one has scrolled.
    quiet: bool,
    /// What the button says: `{n} newer`.
    newer: String,
) -> impl IntoView {
    let waiting = ArcRwSignal::new(0_u32);
    #[cfg(target_family = "wasm")]
    Effect::new({
        let (waiting, region) = (waiting.clone(), region.clone());
        move |_| super::follow::join(&topics, &region, &page, &since, &now, quiet, waiting.clone())
    });
    #[cfg(not(target_family = "wasm"))]
    let _ = (topics, page, since, now, quiet);
    let show = move |_| {
        #[cfg(target_family = "wasm")]
        super::follow::show(&region);
        #[cfg(not(target_family = "wasm"))]
        let _ = &region;
    };
    let count = waiting.clone();
    let text = move || newer.replace("{n}", &waiting.get().to_string());
    view! {
        <span role=(!quiet).then_some("status")>
            <button class="newer" type="button" hidden=move || count.get() == 0 on:click=show>{text}</button>
        </span>
    }
}

//! Live updates for a region of the page.
use crate::live_regions::{self, Region};
use leptos::prelude::*;

/// A button in front of the region; it is visible only while the server has newer content than the region shows.
#[island]
pub fn Watch(
    /// Topics separated by commas, each optionally limited to one id (`tasks:ID`).
    topics: String,
    /// The region's id.
    region: String,
    /// The page to fetch the region from. The address bar shows another one when the page was rendered as the response to a form.
    page: String,
    /// The position in the event stream at which the page was read.
    since: String,
    /// The server's time when it rendered the page (RFC 3339).
    now: String,
    /// Whether new content replaces the old regardless of the scroll position.
    quiet: bool,
    /// The button's label, with `{n}` for the number of new rows.
    newer: String,
) -> impl IntoView {
    let waiting = ArcRwSignal::new(0_u32);
    Effect::new({
        let (waiting, region) = (waiting.clone(), region.clone());
        move |_| {
            let region = Region::new(&topics, &region, quiet, waiting.clone());
            live_regions::register(region, &page, &since, &now);
        }
    });
    let show = move |_| live_regions::show_waiting(&region);
    let count = waiting.clone();
    let text = move || newer.replace("{n}", &waiting.get().to_string());
    view! {
        <span role=(!quiet).then_some("status")>
            <button class="newer" type="button" hidden=move || count.get() == 0 on:click=show>{text}</button>
        </span>
    }
}

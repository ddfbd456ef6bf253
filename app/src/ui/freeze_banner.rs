//! Banner for a frozen tenant, shown on every page.
use super::{Live, PLACEHOLDER, Sentence, TimeAgo};
use domain::Timestamp;
use leptos::prelude::*;

/// A banner on every page while the tenant is frozen.
#[component]
pub(super) fn FreezeBanner(since: Option<Timestamp>) -> impl IntoView {
    view! {
        <Live topics="runners" region="frozen" quiet=true>
            {since.map(|at| view! {
                <p class="banner banner-bad" role="status">
                    <Sentence text=t!("emergency-banner", ago = PLACEHOLDER)><TimeAgo at=at /></Sentence>
                </p>
            })}
        </Live>
    }
}

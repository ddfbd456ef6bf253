//! The bell in the header: a link to the inbox with the number of unread notifications, kept up to date.
use super::INBOX;
use crate::{assets::Assets, ui::Live};
use islands::WaitingCount;
use leptos::prelude::*;

/// The bell. It also shows the number of waiting approval requests in the title and the icon of the tab.
#[component]
pub fn Bell(unread: i64) -> impl IntoView {
    let icon = |name| use_context::<Assets>().map(|assets| assets.url(name)).unwrap_or_default();
    view! {
        <div>
            <Live topics="people" region="bell" quiet=true>
                <a class="button relative" href=INBOX>
                    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
                        <path d="M3.4 11.6c1-1 1.2-2 1.2-4.4a3.4 3.4 0 0 1 6.8 0c0 2.4.2 3.4 1.2 4.4zM6.6 13.8h2.8M8 2v1.6" />
                    </svg>
                    <span class="sr-only">{t!("inbox-title")}" "</span>
                    {(unread > 0).then(|| view! { <span class="count">{unread}<span class="sr-only">{t!("inbox-unread-suffix")}</span></span> })}
                </a>
            </Live>
            <WaitingCount region="waiting-wide".into() icon=icon("favicon.svg") waiting_icon=icon("favicon-waiting.svg") />
        </div>
    }
}

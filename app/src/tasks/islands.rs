//! What of tasks is shipped to the browser: output as it comes.
use leptos::prelude::*;

/// Where the stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Lines come.
    Live,
    /// All have come.
    Ended,
    /// The connection broke; the browser tries again by itself.
    Lost,
}

/// Appends a task's lines to `#log-lines` in their order, each once, and follows the end until one scrolls up.
#[island]
pub fn LiveLog(
    /// The stream's address without its query: `/tasks/…/live`.
    stream: String,
    /// Which start of the task the page shows.
    attempt: u32,
    /// The number of the first line that is not on the page.
    from: u32,
    /// Whether the end is followed at first.
    follow: bool,
    /// What the button says.
    follow_text: String,
    /// What is said while lines come.
    live_text: String,
    /// What is said when all have come.
    ended_text: String,
    /// What is said while the connection is broken.
    lost_text: String,
    /// What is said when earlier lines were taken off the page.
    cut_text: String,
) -> impl IntoView {
    let awake = crate::ui::islands::awake();
    let (following, phase, cut) = (RwSignal::new(follow), RwSignal::new(Phase::Live), RwSignal::new(false));
    #[cfg(target_family = "wasm")]
    Effect::new(move |_| {
        super::tail::start(stream.clone(), attempt, from, super::tail::Seen { following, phase, cut })
    });
    #[cfg(not(target_family = "wasm"))]
    let _ = (stream, attempt, from);
    let toggle = move |_| {
        following.update(|following| *following = !*following);
        #[cfg(target_family = "wasm")]
        super::tail::to_end(following);
    };
    let said = move || match phase.get() {
        Phase::Live => live_text.clone(),
        Phase::Ended => ended_text.clone(),
        Phase::Lost => lost_text.clone(),
    };
    view! {
        <span class="log-follow" hidden=move || !awake.get()>
            <button
                class="button button-small" type="button" on:click=toggle
                aria-pressed=move || if following.get() { "true" } else { "false" }
            >
                {follow_text}
            </button>
            <span role="status" class="muted">{said}</span>
            <span class="muted" hidden=move || !cut.get()>{cut_text}</span>
        </span>
    }
}

//! What of tasks is shipped to the browser: the log viewer, of which this is the bar above the lines.
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

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

/// Where a search stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    /// Nothing is sought.
    Idle,
    /// The answer is awaited.
    Asking,
    /// No answer came.
    Failed,
    /// The answer.
    Found {
        /// What was sought.
        text: String,
        /// The lines that have it.
        lines: Vec<u32>,
        /// How many have it; more than are named, where they are very many.
        total: u32,
        /// At which of them one is.
        at: usize,
        /// The number that the next line had then.
        end: u32,
    },
}

/// What the bar says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Words {
    /// The field's name.
    pub find: String,
    /// The button that seeks.
    pub seek: String,
    /// The button that goes to the next place.
    pub next: String,
    /// The button that goes to the place before.
    pub before: String,
    /// `{at} of {n} lines`.
    pub found: String,
    /// Where nothing was found.
    pub nowhere: String,
    /// While the answer is awaited.
    pub seeking: String,
    /// Where no answer came.
    pub failed: String,
    /// The button that goes to the first line.
    pub start: String,
    /// The button that goes to the end.
    pub end: String,
    /// The button that follows the end.
    pub follow: String,
    /// While lines come.
    pub live: String,
    /// When all have come.
    pub ended: String,
    /// While the connection is broken.
    pub lost: String,
    /// The button that copies everything.
    pub copy: String,
    /// The button that copies the chosen lines: `Copy lines {first}–{last}`.
    pub copy_chosen: String,
    /// What it says afterwards.
    pub copied: String,
}

/// Keeps the lines around where one reads in `#log-lines`, of however many there are; follows the end until one scrolls up,
/// finds, goes to lines, and copies.
#[island]
pub fn LogView(
    /// The task's address: `/tasks/…`.
    address: String,
    /// Which start of the task the page shows.
    attempt: u32,
    /// The number that the next line gets.
    next: u32,
    /// The line that the page was asked for.
    from: Option<u32>,
    /// Whether lines still come.
    live: bool,
    /// What the page was asked to find.
    sought: String,
    /// What is said.
    words: Words,
) -> impl IntoView {
    let awake = crate::ui::islands::awake();
    let phase = RwSignal::new(if live { Phase::Live } else { Phase::Ended });
    let (following, chosen) = (RwSignal::new(false), RwSignal::new(None::<(u32, u32)>));
    let (search, copied) = (RwSignal::new(Search::Idle), RwSignal::new(false));
    #[cfg(target_family = "wasm")]
    Effect::new({
        let (address, sought) = (address.clone(), sought.clone());
        move |_| {
            use super::viewer::{Seen, find, start};
            start(address.clone(), attempt, next, from, live, Seen { following, phase, chosen });
            if !sought.is_empty() {
                find::seek(sought.clone(), search);
            }
        }
    });
    #[cfg(not(target_family = "wasm"))]
    let _ = (attempt, next, from, &sought);
    let go = move |_to_end: bool| {
        #[cfg(target_family = "wasm")]
        if _to_end { super::viewer::to_end() } else { super::viewer::to_start() }
    };
    let copy = move |_| {
        #[cfg(target_family = "wasm")]
        super::viewer::copy::copy(move || copied.set(true));
        #[cfg(not(target_family = "wasm"))]
        let _ = copied;
    };
    let (all, some, done) = (words.copy.clone(), words.copy_chosen.clone(), words.copied.clone());
    let copy_says = move || match chosen.get() {
        _ if copied.get() => done.clone(),
        None => all.clone(),
        Some((first, last)) => some.replace("{first}", &first.to_string()).replace("{last}", &last.to_string()),
    };
    Effect::new(move |_| {
        chosen.track();
        copied.set(false);
    });
    let said = {
        let Words { live, ended, lost, .. } = words.clone();
        move || match phase.get() {
            Phase::Live => live.clone(),
            Phase::Ended => ended.clone(),
            Phase::Lost => lost.clone(),
        }
    };
    view! {
        <FindBar action=address sought=sought search=search awake=awake words=words.clone() />
        <span class="log-go" hidden=move || !awake.get()>
            <button class="button button-small" type="button" on:click=move |_| go(false)>{words.start}</button>
            <button
                class="button button-small" type="button" on:click=move |_| go(true) hidden=move || phase.get() != Phase::Ended
            >
                {words.end}
            </button>
            <button
                class="button button-small" type="button" on:click=move |_| go(true) hidden=move || phase.get() == Phase::Ended
                aria-pressed=move || if following.get() { "true" } else { "false" }
            >
                {words.follow}
            </button>
            <button class="button button-small" type="button" on:click=copy>
                <span aria-live="polite">{copy_says}</span>
            </button>
            <span role="status" class="muted">{said}</span>
        </span>
    }
}

/// The field that finds; without JavaScript a form that asks for the page anew.
#[component]
fn FindBar(
    action: String,
    sought: String,
    search: RwSignal<Search>,
    awake: ReadSignal<bool>,
    words: Words,
) -> impl IntoView {
    let text = RwSignal::new(sought.clone());
    let seek = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        #[cfg(target_family = "wasm")]
        {
            use super::viewer::find;
            let wanted = text.get_untracked();
            match search.get_untracked() {
                Search::Found { text, .. } if text == wanted => find::step(true, search),
                _ => find::seek(wanted, search),
            }
        }
    };
    let step = move |_forward: bool| {
        #[cfg(target_family = "wasm")]
        super::viewer::find::step(_forward, search);
    };
    let clear = move |event: leptos::ev::KeyboardEvent| {
        if event.key() == "Escape" {
            text.set(String::new());
            #[cfg(target_family = "wasm")]
            super::viewer::find::seek(String::new(), search);
        }
    };
    let many = move || matches!(search.get(), Search::Found { lines, .. } if !lines.is_empty());
    let Words { found, nowhere, seeking, failed, .. } = words.clone();
    let said = move || match search.get() {
        Search::Idle => String::new(),
        Search::Asking => seeking.clone(),
        Search::Failed => failed.clone(),
        Search::Found { total: 0, .. } => nowhere.clone(),
        Search::Found { at, total, .. } => {
            found.replace("{at}", &(at + 1).to_string()).replace("{n}", &total.to_string())
        }
    };
    view! {
        <form class="log-find" method="get" action=action role="search" on:submit=seek>
            <label class="sr-only" for="log-find">{words.find.clone()}</label>
            <input
                class="input" id="log-find" type="search" name="find" maxlength="200" value=sought placeholder=words.find
                prop:value=text on:input=move |event| text.set(event_target_value(&event)) on:keydown=clear
            />
            <button class="button button-small" type="submit">{words.seek}</button>
            <button
                class="button button-small" type="button" on:click=move |_| step(false) hidden=move || !awake.get() || !many()
            >
                {words.before}
            </button>
            <button
                class="button button-small" type="button" on:click=move |_| step(true) hidden=move || !awake.get() || !many()
            >
                {words.next}
            </button>
            <span role="status" class="muted">{said}</span>
        </form>
    }
}

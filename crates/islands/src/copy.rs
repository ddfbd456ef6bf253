//! Button that copies a text to the clipboard.
use crate::{dom, hydrated};
use leptos::prelude::*;

/// A button that copies `text` and then changes its label to `done`.
#[island]
pub fn Copy(text: String, label: String, done: String) -> impl IntoView {
    let hydrated = hydrated();
    let (copied, set_copied) = signal(false);
    let copy = move |_| dom::copy_to_clipboard(&text, move || set_copied.set(true));
    view! {
        <button class="button button-small" type="button" hidden=move || !hydrated.get() on:click=copy>
            <span aria-live="polite">{move || if copied.get() { done.clone() } else { label.clone() }}</span>
        </button>
    }
}

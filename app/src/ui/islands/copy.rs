//! A button that copies a text.
use super::awake;
use leptos::prelude::*;

/// Copies `text` to the clipboard, and says so.
#[island]
pub fn Copy(
    /// What is copied.
    text: String,
    /// What the button says.
    label: String,
    /// What it says afterwards.
    done: String,
) -> impl IntoView {
    let awake = awake();
    let (copied, set_copied) = signal(false);
    let copy = move |_| {
        #[cfg(target_family = "wasm")]
        super::dom::copy(text.clone(), move || set_copied.set(true));
        #[cfg(not(target_family = "wasm"))]
        let _ = (&text, set_copied);
    };
    view! {
        <button class="button button-small" type="button" hidden=move || !awake.get() on:click=copy>
            <span aria-live="polite">{move || if copied.get() { done.clone() } else { label.clone() }}</span>
        </button>
    }
}

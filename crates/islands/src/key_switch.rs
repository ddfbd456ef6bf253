//! Switch for single-letter keyboard shortcuts, which speech input and accidental key presses can trigger (WCAG 2.1.4).
use crate::{hydrated, preferences};
use leptos::prelude::*;

/// A button that is pressed while the shortcuts are on. The choice is stored in the browser.
#[island]
pub fn KeySwitch(label: String) -> impl IntoView {
    let hydrated = hydrated();
    let (enabled, set_enabled) = signal(true);
    Effect::new(move |_| set_enabled.set(preferences::single_key_shortcuts()));
    let toggle = move |_| {
        set_enabled.update(|enabled| *enabled = !*enabled);
        preferences::set_single_key_shortcuts(enabled.get_untracked());
    };
    view! {
        <button
            class="button button-small" type="button" hidden=move || !hydrated.get() on:click=toggle
            aria-pressed=move || if enabled.get() { "true" } else { "false" }
        >
            {label}
        </button>
    }
}

//! Turns off the keys that are single letters, for who speaks to their machine or presses keys by mistake (WCAG 2.1.4).
use super::awake;
use leptos::prelude::*;

/// A button that is pressed while they are on. Kept in this browser.
#[island]
pub fn KeySwitch(
    /// What is turned on and off.
    label: String,
) -> impl IntoView {
    let awake = awake();
    let (listening, set_listening) = signal(true);
    #[cfg(target_family = "wasm")]
    Effect::new(move |_| set_listening.set(super::dom::single_keys()));
    let toggle = move |_| {
        set_listening.update(|listening| *listening = !*listening);
        #[cfg(target_family = "wasm")]
        super::dom::set_single_keys(listening.get_untracked());
    };
    view! {
        <button
            class="button button-small" type="button" hidden=move || !awake.get() on:click=toggle
            aria-pressed=move || if listening.get() { "true" } else { "false" }
        >
            {label}
        </button>
    }
}

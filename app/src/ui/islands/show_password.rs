//! A button that shows what is typed into a password field.
use super::awake;
use leptos::prelude::*;

/// Shows and hides.
#[island]
pub fn ShowPassword(
    /// The field's id.
    field: String,
    /// What the button says while it is hidden.
    show: String,
    /// What it says while it is shown.
    hide: String,
) -> impl IntoView {
    let awake = awake();
    let (shown, set_shown) = signal(false);
    let of = field.clone();
    let toggle = move |_| {
        set_shown.update(|shown| *shown = !*shown);
        #[cfg(target_family = "wasm")]
        super::dom::set_attribute(&field, "type", if shown.get_untracked() { "text" } else { "password" });
        #[cfg(not(target_family = "wasm"))]
        let _ = &field;
    };
    view! {
        <button class="button" type="button" hidden=move || !awake.get() aria-controls=of on:click=toggle>
            {move || if shown.get() { hide.clone() } else { show.clone() }}
        </button>
    }
}

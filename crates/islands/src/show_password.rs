//! Button that reveals the content of a password field.
use crate::{dom, hydrated};
use leptos::prelude::*;

/// A button labeled `show` while the password is hidden, and `hide` while it is visible.
#[island]
pub fn ShowPassword(
    /// The field's id.
    field: String,
    show: String,
    hide: String,
) -> impl IntoView {
    let hydrated = hydrated();
    let (visible, set_visible) = signal(false);
    let controls = field.clone();
    let toggle = move |_| {
        set_visible.update(|visible| *visible = !*visible);
        dom::set_attribute(&field, "type", if visible.get_untracked() { "text" } else { "password" });
    };
    view! {
        <button class="button" type="button" hidden=move || !hydrated.get() aria-controls=controls on:click=toggle>
            {move || if visible.get() { hide.clone() } else { show.clone() }}
        </button>
    }
}

//! Theme switch: light, dark, or the system's setting. Without JavaScript the system's setting applies.
use crate::{hydrated, preferences};
use leptos::prelude::*;

/// Three buttons, of which the one for the current theme is pressed. The choice is stored in the browser.
#[island]
pub fn ThemeSwitch(
    /// The accessible name of the group.
    label: String,
    system: String,
    light: String,
    dark: String,
) -> impl IntoView {
    let hydrated = hydrated();
    let (theme, set_theme) = signal(String::new());
    Effect::new(move |_| set_theme.set(preferences::theme()));
    let button = move |value: &'static str, text: String| {
        let choose = move |_| {
            set_theme.set(value.to_owned());
            preferences::set_theme(value);
        };
        view! {
            <button
                class="button button-small" type="button" on:click=choose
                aria-pressed=move || if theme.get() == value { "true" } else { "false" }
            >
                {text}
            </button>
        }
    };
    view! {
        <div class="theme" role="group" aria-label=label hidden=move || !hydrated.get()>
            {button("", system)} {button("light", light)} {button("dark", dark)}
        </div>
    }
}

//! Light, dark, or as the system is. Kept in this browser; without JavaScript the system decides.
use super::awake;
use leptos::prelude::*;

/// The three of them as buttons, of which one is pressed.
#[island]
pub fn ThemeSwitch(
    /// What it switches.
    label: String,
    /// As the system is.
    system: String,
    /// Light.
    light: String,
    /// Dark.
    dark: String,
) -> impl IntoView {
    let awake = awake();
    let (theme, set_theme) = signal(String::new());
    #[cfg(target_family = "wasm")]
    Effect::new(move |_| set_theme.set(super::dom::theme()));
    let button = move |value: &'static str, text: String| {
        let choose = move |_| {
            set_theme.set(value.to_owned());
            #[cfg(target_family = "wasm")]
            super::dom::set_theme(value);
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
        <div class="theme" role="group" aria-label=label hidden=move || !awake.get()>
            {button("", system)} {button("light", light)} {button("dark", dark)}
        </div>
    }
}

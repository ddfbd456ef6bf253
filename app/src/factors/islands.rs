//! The one thing of second factors that needs a script: asking the browser for a passkey.
use crate::ui::islands::awake;
use leptos::prelude::*;

/// A button within a form with the hidden fields `ceremony` and `passkey`: it fills them in, and sends the form. It is
/// there only where the browser knows passkeys, and the page is at the name that they are bound to.
#[island]
pub fn PasskeyButton(
    /// `register`, `show` or `sign-in`.
    purpose: String,
    /// The name that passkeys are bound to.
    host: String,
    /// What the fields' names begin with.
    prefix: String,
    /// What the button says.
    label: String,
    /// What is said where it came to nothing.
    failed: String,
) -> impl IntoView {
    let awake = awake();
    let (offered, offer) = signal(false);
    let (wrong, set_wrong) = signal(None::<String>);
    let usual = failed.clone();
    let name = host.clone();
    Effect::new(move |_| {
        #[cfg(target_family = "wasm")]
        offer.set(super::browser::knows_passkeys(&name));
        #[cfg(not(target_family = "wasm"))]
        let _ = (&name, offer);
    });
    let press = move |event: leptos::ev::MouseEvent| {
        set_wrong.set(None);
        #[cfg(target_family = "wasm")]
        super::browser::ask_from(&event, &purpose, &prefix, {
            let usual = usual.clone();
            move |said| set_wrong.set(Some(said.unwrap_or(usual)))
        });
        #[cfg(not(target_family = "wasm"))]
        let _ = (&event, &purpose, &prefix, &usual);
    };
    view! {
        <button class="button" type="button" hidden=move || !(awake.get() && offered.get()) on:click=press>
            {label}
        </button>
        <p class="field-error" role="alert" hidden=move || wrong.with(Option::is_none)>{move || wrong.get()}</p>
    }
}

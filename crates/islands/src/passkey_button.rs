//! Passkey button: runs a WebAuthn ceremony and submits the form with its result.
use crate::{
    hydrated,
    webauthn::{self, CeremonyError},
};
use leptos::prelude::*;

/// A button inside a form with the hidden fields `ceremony` and `passkey`; it fills them in and submits the form. It is
/// visible only if the browser supports passkeys and the page's host is the one that they are bound to.
#[island]
pub fn PasskeyButton(
    /// `register`, `show` or `sign-in`.
    purpose: String,
    /// The options of the ceremony, as JSON; without them, the server is asked for those of the purpose.
    options: Option<String>,
    /// The host that passkeys are bound to.
    host: String,
    /// The prefix of the fields' names.
    prefix: String,
    label: String,
    /// The error message when the device has a passkey of this person already.
    registered: String,
    /// The error message when the ceremony fails without a reason.
    failed: String,
) -> impl IntoView {
    let hydrated = hydrated();
    // With options of its own, it is the main button of its form.
    let class = if options.is_some() { "button button-main" } else { "button" };
    let (supported, set_supported) = signal(false);
    let (error, set_error) = signal(None::<String>);
    Effect::new(move |_| set_supported.set(webauthn::is_supported(&host)));
    let press = move |event: leptos::ev::MouseEvent| {
        set_error.set(None);
        let (registered, failed) = (registered.clone(), failed.clone());
        let on_error = move |error| {
            set_error.set(Some(match error {
                CeremonyError::Refused(reason) => reason,
                CeremonyError::AlreadyRegistered => registered,
                CeremonyError::Other => failed,
            }));
        };
        webauthn::submit_passkey(&event, &purpose, options.clone(), &prefix, on_error);
    };
    view! {
        <button class=class type="button" hidden=move || !(hydrated.get() && supported.get()) on:click=press>
            {label}
        </button>
        <p class="field-error" role="alert" hidden=move || error.with(Option::is_none)>{move || error.get()}</p>
    }
}

//! Passkeys for runners: the text with which an operator pins a passkey, and the form that signs a new passkey with another one (X19).
use super::{
    actions::SignPasskey,
    passkeys::{SigningButton, signing_options},
};
use crate::ui::{Digest, Form, TimeAgo, UntrustedText, ctx};
use domain::passkey::{NamedPasskey, PasskeyAddition};
use islands::Copy;
use leptos::{prelude::*, server_fn::ServerFn};
use store::{OwnPublicKey, PasskeyRow};

/// For each of the person's own passkeys: its fingerprint, the text for operators, and whether another passkey signed it.
#[component]
pub fn RunnerTrust(
    /// The name of the person.
    person: String,
    passkeys: Vec<PasskeyRow>,
    keys: Vec<OwnPublicKey>,
) -> impl IntoView {
    let name_of = |key: &OwnPublicKey| {
        passkeys.iter().find(|row| row.id == key.id).map(|row| row.name.clone()).unwrap_or_default()
    };
    let item = |key: &OwnPublicKey| {
        let name = name_of(key);
        let named = NamedPasskey { name: format!("{person}, {name}"), passkey: key.passkey.clone() };
        let text = serde_json::to_string(&named).unwrap_or_default();
        let others: Vec<_> = keys.iter().filter(|other| other.id != key.id).map(|other| &other.passkey).collect();
        let addition = PasskeyAddition { passkey: key.passkey.clone(), at: ctx::now() };
        let hidden = vec![("id", key.id.to_string()), ("at", addition.at.0.to_string())];
        let signing = signing_options(&addition, &others);
        view! {
            <details>
                <summary><UntrustedText text=name /></summary>
                <p>{t!("passkey-fingerprint")}</p>
                <Digest hex=key.passkey.fingerprint().to_string() />
                <p class="help">{t!("passkey-fingerprint-help")}</p>
                <p class="help">{t!("passkey-for-operator")}</p>
                <p><code class="break">{text.clone()}</code>" "<Copy text=text label=t!("copy") done=t!("copied") /></p>
                {key.signed_at.map(|at| view! { <p>{t!("passkey-signed")}" "<TimeAgo at=at /></p> })}
                {signing.map(|(options, host)| view! {
                    <p class="help">{t!("passkey-sign-help")}</p>
                    <Form action=SignPasskey::PATH hidden=hidden>
                        <SigningButton options=options host=host label=t!("passkey-sign") />
                    </Form>
                })}
            </details>
        }
    };
    let items = keys.iter().map(item).collect_view();
    (!keys.is_empty()).then(|| {
        view! {
            <h3>{t!("passkey-runners-title")}</h3>
            <p class="help">{t!("passkey-runners-what")}</p>
            {items}
        }
    })
}

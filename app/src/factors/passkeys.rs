//! Passkey forms, and the list of one's own passkeys.
use super::actions::{AddPasskey, RemovePasskey};
use crate::ui::{Confirm, Field, Form, LastUsed, Table, TimeAgo, UntrustedText, ctx};
use domain::{
    consent::Statement,
    passkey::{Passkey, challenge},
};
use islands::PasskeyButton;
use leptos::{prelude::*, server_fn::ServerFn};
use serde_json::json;
use store::PasskeyRow;

/// The passkey button with its hidden fields, for use in a form; nothing if the server's host name does not allow passkeys.
#[component]
pub fn PasskeyFields(
    /// `register`, `show` or `sign-in`.
    purpose: &'static str,
    /// The prefix of the hidden fields' names.
    #[prop(optional)]
    prefix: &'static str,
    #[prop(into)] label: String,
) -> impl IntoView {
    let host = ctx::sign_in().ok().and_then(|sign_in| sign_in.passkey_host());
    host.map(|host| {
        view! {
            <input type="hidden" name=format!("{prefix}ceremony") />
            <input type="hidden" name=format!("{prefix}passkey") />
            <PasskeyButton
                purpose=purpose.to_owned() options=None host=host prefix=prefix.to_owned() label=label registered=t!("passkey-registered")
                failed=if purpose == "register" { t!("passkey-not-created") } else { t!("passkey-failed") }
            />
        }
    })
}

/// Returns the options with which a browser signs a statement with one of these passkeys (WebAuthn, section 5.5), and the host of the
/// page; `None` if none of them works there.
pub fn signing_options(statement: &impl Statement, passkeys: &[&Passkey]) -> Option<(String, String)> {
    let host = ctx::sign_in().ok()?.passkey_host()?;
    let here = passkeys.iter().filter(|passkey| passkey.relying_party == host);
    let allowed: Vec<_> = here.map(|passkey| json!({ "type": "public-key", "id": passkey.credential_id })).collect();
    let options = json!({
        "challenge": challenge(statement), "rpId": host, "userVerification": "required", "timeout": 300_000,
        "allowCredentials": allowed,
    });
    (!allowed.is_empty()).then(|| (options.to_string(), host))
}

/// The button that signs a statement with a passkey and submits the form with its assertion in the field `passkey`.
#[component]
pub fn SigningButton(
    /// See [`signing_options`].
    options: String,
    host: String,
    #[prop(into)] label: String,
) -> impl IntoView {
    view! {
        <input type="hidden" name="passkey" />
        <PasskeyButton
            purpose="sign".to_owned() options=Some(options) host=host prefix=String::new() label=label
            registered=String::new() failed=t!("passkey-sign-failed")
        />
    }
}

/// The form that registers a passkey.
#[component]
pub fn NewPasskey(
    /// Where to go afterwards, if not to the account.
    #[prop(optional, into)]
    next: Option<String>,
) -> impl IntoView {
    let hidden = next.map(|next| ("next", next)).into_iter().collect();
    let sign_in = ctx::sign_in().ok();
    let place = sign_in.and_then(|sign_in| sign_in.passkey_host().zip(sign_in.passkey_origin()));
    match place {
        Some((host, origin)) => view! {
            <p class="help">{t!("passkey-what", host = host.clone())}</p>
            <Form action=AddPasskey::PATH class="add-passkey" hidden=hidden>
                <Field name="name" label=t!("passkey-name") help=t!("passkey-name-help") value=t!("passkey-name-first") required=true />
                <PasskeyFields purpose="register" label=t!("passkey-add") />
                <p class="help elsewhere">
                    {t!("passkey-elsewhere", host = host.clone())}
                    " "
                    <a href=format!("{origin}{}", ctx::here().path)>{t!("passkey-open-there", host = host)}</a>
                </p>
            </Form>
        }
        .into_any(),
        None => view! { <p class="help">{t!("passkey-no-name")}</p> }.into_any(),
    }
}

/// The person's own passkeys, each with a remove button.
#[component]
pub fn OwnPasskeys(passkeys: Vec<PasskeyRow>) -> impl IntoView {
    let here = ctx::sign_in().ok().and_then(|sign_in| sign_in.passkey_host());
    let row = move |passkey: PasskeyRow| {
        let used = passkey.last_used_at;
        let elsewhere = Some(passkey.relying_party).filter(|host| here.as_ref() != Some(host));
        view! {
            <tr>
                <th scope="row">
                    <UntrustedText text=passkey.name.clone() />
                    {elsewhere.map(|host| view! { <p class="muted">{t!("passkey-only-at", host = host)}</p> })}
                </th>
                <td><TimeAgo at=passkey.created_at /></td>
                <td><LastUsed at=used /></td>
                <td class="cell-action">
                    <Confirm
                        label=t!("passkey-remove-open") about=passkey.name consequence=t!("passkey-remove-consequence")
                        act=t!("passkey-remove") action=RemovePasskey::PATH hidden=vec![("id", passkey.id.to_string())]
                    />
                </td>
            </tr>
        }
    };
    let headings = vec![t!("passkey-name"), t!("passkey-added"), t!("passkey-used"), String::new()];
    (!passkeys.is_empty()).then(|| {
        view! {
            <Table caption=t!("passkeys-title") headings=headings>{passkeys.into_iter().map(row).collect_view()}</Table>
        }
    })
}

//! Forms around the button that asks for a passkey, and the list of one's own.
use super::{
    actions::{AddPasskey, RemovePasskey},
    islands::PasskeyButton,
};
use crate::ui::{Confirm, Field, Form, Moment, Revealed, Table, Used, ctx};
use leptos::{prelude::*, server_fn::ServerFn};
use store::PasskeyRow;

/// The button with the fields that it fills in; nothing where there can be no passkeys. It stands in a form.
#[component]
pub fn AskPasskey(
    /// `register`, `show` or `sign-in`.
    purpose: &'static str,
    /// What the fields' names begin with.
    #[prop(optional)]
    prefix: &'static str,
    /// What the button says.
    #[prop(into)]
    label: String,
) -> impl IntoView {
    let host = ctx::sign_in().ok().and_then(|sign_in| sign_in.passkey_host());
    host.map(|host| {
        view! {
            <input type="hidden" name=format!("{prefix}ceremony") />
            <input type="hidden" name=format!("{prefix}passkey") />
            <PasskeyButton
                purpose=purpose.to_owned() host=host prefix=prefix.to_owned() label=label failed=t!("passkey-failed")
            />
        }
    })
}

/// The form that adds one.
#[component]
pub fn NewPasskey(
    /// Where to go on with it, where that is not one's account.
    #[prop(optional, into)]
    next: Option<String>,
) -> impl IntoView {
    let hidden = next.map(|next| ("next", next)).into_iter().collect();
    match ctx::sign_in().ok().and_then(|sign_in| sign_in.passkey_host()) {
        Some(host) => view! {
            <p class="help">{t!("passkey-what", host = host.clone())}</p>
            <Form action=AddPasskey::PATH class="add-passkey" hidden=hidden>
                <Field name="name" label=t!("passkey-name") help=t!("passkey-name-help") value=t!("passkey-name-first") required=true />
                <AskPasskey purpose="register" label=t!("passkey-add") />
                <p class="help elsewhere">{t!("passkey-elsewhere", host = host)}</p>
            </Form>
        }
        .into_any(),
        None => view! { <p class="help">{t!("passkey-no-name")}</p> }.into_any(),
    }
}

/// One's own, each with the way to remove it.
#[component]
pub fn OwnPasskeys(
    /// Which there are.
    passkeys: Vec<PasskeyRow>,
) -> impl IntoView {
    let row = |passkey: PasskeyRow| {
        let used = passkey.last_used_at;
        view! {
            <tr>
                <th scope="row"><Revealed text=passkey.name.clone() /></th>
                <td><Moment at=passkey.created_at /></td>
                <td><Used at=used /></td>
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

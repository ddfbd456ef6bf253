//! The sign-in page.
use super::actions::{SignIn, SignInByPasskey};
use crate::{
    door::Stage,
    factors::passkeys::AskPasskey,
    outcome::Refusal,
    ui::{Address, Button, Field, Form, Look, Password, ctx, own_path, plain, status},
};
use leptos::{prelude::*, server_fn::ServerFn};

/// Who is signed in already goes on at once.
pub fn sign_in() -> impl IntoView {
    plain(t!("sign-in"), form)
}

async fn form() -> Result<AnyView, Refusal> {
    let next = own_path(ctx::here().get("next"));
    if ctx::actor().is_ok() {
        status::go_to(&next);
    } else if ctx::door()?.stage() != Stage::Nobody {
        status::go_to(&Address::new("/second-factor").with("next", next.clone()).to_string());
    }
    let with_passkey = next.clone();
    Ok(view! {
        <Form action=SignIn::PATH hidden=vec![("next", next)]>
            <Field name="email" label=t!("email") kind="email" required=true autocomplete="username" />
            <Password name="password" label=t!("password") autocomplete="current-password" />
            <Button look=Look::Main>{t!("sign-in")}</Button>
        </Form>
        <Form action=SignInByPasskey::PATH class="after" hidden=vec![("next", with_passkey)]>
            <AskPasskey purpose="sign-in" label=t!("passkey-sign-in") />
        </Form>
        {match ctx::door()?.sends_mail() {
            true => view! { <p class="after"><a href="/forgot">{t!("forgot-open")}</a></p> }.into_any(),
            false => view! { <p class="help">{t!("sign-in-lost")}</p> }.into_any(),
        }}
    }
    .into_any())
}

//! The sign-in page.
use super::actions::SignIn;
use crate::{
    outcome::Refusal,
    ui::{Button, Field, Form, Look, Password, ctx, own_path, plain, status},
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
    }
    Ok(view! {
        <Form action=SignIn::PATH hidden=vec![("next", next)]>
            <Field name="email" label=t!("email") kind="email" required=true autocomplete="username" />
            <Password name="password" label=t!("password") autocomplete="current-password" />
            <Button look=Look::Main>{t!("sign-in")}</Button>
        </Form>
        <p class="help">{t!("sign-in-lost")}</p>
    }
    .into_any())
}

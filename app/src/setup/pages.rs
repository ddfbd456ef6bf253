//! The pages that one-time links open.
use super::actions::{SetPassword, SetUp};
use crate::{
    outcome::Refusal,
    ui::{Button, ButtonVariant, Field, Form, PageFuture, Password, ctx, plain},
};
use leptos::{prelude::*, server_fn::ServerFn};

/// `/setup?token=…`: initial setup.
pub fn set_up() -> PageFuture {
    plain(t!("setup-title"), set_up_form)
}

async fn set_up_form() -> Result<AnyView, Refusal> {
    let token = token();
    ctx::sign_in()?.check_setup_link(token.clone()).await?;
    Ok(view! {
        <p class="lead">{t!("setup-lead")}</p>
        <Form action=SetUp::PATH hidden=vec![("token", token)]>
            <Field name="tenant" label=t!("setup-tenant") help=t!("setup-tenant-help") required=true autocomplete="organization" />
            <Field name="organization" label=t!("setup-organization") help=t!("setup-organization-help") required=true />
            <Field name="name" label=t!("setup-name") required=true autocomplete="name" />
            <Field name="email" label=t!("email") help=t!("setup-email-help") kind="email" required=true autocomplete="username" />
            <Password name="password" label=t!("password") help=t!("password-help") autocomplete="new-password" />
            <p class="help">{t!("setup-consequence")}</p>
            <Button variant=ButtonVariant::Primary>{t!("setup-do")}</Button>
        </Form>
    }
    .into_any())
}

/// `/password?token=…`.
pub fn password() -> PageFuture {
    plain(t!("password-title"), password_form)
}

async fn password_form() -> Result<AnyView, Refusal> {
    let token = token();
    let holder = ctx::sign_in()?.password_link_holder(token.clone()).await?;
    Ok(view! {
        <p class="lead">{t!("password-for", holder = holder)}</p>
        <Form action=SetPassword::PATH hidden=vec![("token", token)]>
            <Password name="password" label=t!("password-new") help=t!("password-help") autocomplete="new-password" />
            <p class="help">{t!("password-consequence")}</p>
            <Button variant=ButtonVariant::Primary>{t!("password-set")}</Button>
        </Form>
    }
    .into_any())
}

fn token() -> String {
    ctx::here().get("token").unwrap_or_default().to_owned()
}

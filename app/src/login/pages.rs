//! The sign-in page: providers, password and passkey.
use super::actions::{SignIn, SignInByPasskey};
use crate::{
    factors::passkeys::PasskeyFields,
    outcome::Refusal,
    ui::{
        Address, Button, ButtonVariant, Field, Form, FormState, LinkButton, PageFuture, Password, ctx, own_path, plain,
        status,
    },
};
use auth::{
    Stage,
    providers::{SignInOptions, SignInProvider},
};
use leptos::{prelude::*, server_fn::ServerFn};

/// `/sign-in`; people who are signed in are redirected at once.
pub fn sign_in() -> PageFuture {
    plain(t!("sign-in"), sign_in_form)
}

async fn sign_in_form() -> Result<AnyView, Refusal> {
    let next = own_path(ctx::here().get("next"));
    if ctx::actor().is_ok() {
        status::go_to(&next);
    } else if ctx::sign_in()?.stage() != Stage::SignedOut {
        status::go_to(&Address::new("/second-factor").with("next", next.clone()).to_string());
    }
    let tenant = ctx::here().get("tenant").and_then(|tenant| tenant.parse().ok());
    let SignInOptions { password, providers } = ctx::sign_in()?.sign_in_options(tenant).await?;
    let (first, mail) = (next.clone(), ctx::sign_in()?.is_mail_enabled());
    let link = move |way: SignInProvider| {
        let href = with_provider(&way, &first);
        view! { <LinkButton href=href>{t!("sign-in-with", provider = way.label)}</LinkButton> }
    };
    let several = password && !providers.is_empty();
    let buttons =
        (!providers.is_empty()).then(|| view! { <p class="ways">{providers.into_iter().map(link).collect_view()}</p> });
    Ok(view! {
        {buttons}
        {match password {
            true => view! {
                {several.then(|| view! { <p class="or">{t!("sign-in-or")}</p> })}
                <PasswordForm next=next.clone() />
                <Form action=SignInByPasskey::PATH class="after" hidden=vec![("next", next)]>
                    <PasskeyFields purpose="sign-in" label=t!("passkey-sign-in") />
                </Form>
                {match mail {
                    true => view! { <p class="after"><a href="/forgot">{t!("forgot-open")}</a></p> }.into_any(),
                    false => view! { <p class="help">{t!("sign-in-lost")}</p> }.into_any(),
                }}
            }.into_any(),
            false => view! {
                <details class="confirm" open=FormState::of(SignIn::PATH, &[]).refused()>
                    <summary>{t!("sign-in-emergency")}</summary>
                    <p class="help">{t!("sign-in-emergency-text")}</p>
                    <PasswordForm next=next />
                </details>
            }.into_any(),
        }}
    }
    .into_any())
}

#[component]
fn PasswordForm(next: String) -> impl IntoView {
    view! {
        <Form action=SignIn::PATH hidden=vec![("next", next)]>
            <Field name="email" label=t!("email") kind="email" required=true autocomplete="username" />
            <Password name="password" label=t!("password") autocomplete="current-password" />
            <Button variant=ButtonVariant::Primary>{t!("sign-in")}</Button>
        </Form>
    }
}

/// Returns where signing in with a provider starts; `next` is where it ends.
pub fn with_provider(way: &SignInProvider, next: &str) -> String {
    Address::new(format!("/sign-in/with/{}", way.key)).with("next", next).to_string()
}

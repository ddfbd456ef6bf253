//! Forms for changing one's password and email address, and for requesting a password reset.
use super::actions::{ChangePassword, ConfirmAddress, ForgotPassword, RequestAddressChange};
use crate::{
    outcome::Refusal,
    ui::{Button, ButtonVariant, Field, Form, Page, PageFuture, Password, Section, ctx, page, plain},
};
use auth::AddressChange;
use domain::Actor;
use leptos::{prelude::*, server_fn::ServerFn};

/// `/account/password`.
pub fn password() -> PageFuture {
    page(password_page)
}

async fn password_page(_: Actor) -> Result<Page, Refusal> {
    let page = Page::new(Section::Account, t!("change-password-title"));
    Ok(page.body(view! {
        <Form action=ChangePassword::PATH>
            <Password name="old_password" label=t!("password-old") autocomplete="current-password" />
            <Password name="new_password" label=t!("password-new") help=t!("password-help") autocomplete="new-password" />
            <p class="help">{t!("change-password-consequence")}</p>
            <Button variant=ButtonVariant::Primary>{t!("change-password")}</Button>
        </Form>
    }))
}

/// `/forgot`; the response is the same for every address, so that it does not reveal which accounts exist.
pub fn forgot() -> PageFuture {
    plain(t!("forgot-title"), forgot_form)
}

async fn forgot_form() -> Result<AnyView, Refusal> {
    let back = || view! { <p class="after"><a href="/sign-in">{t!("sign-in")}</a></p> };
    if !ctx::sign_in()?.is_mail_enabled() {
        return Ok(view! { <p class="lead">{t!("sign-in-lost")}</p>{back()} }.into_any());
    }
    if ctx::here().get("sent").is_some() {
        return Ok(view! { <p class="lead" role="status">{t!("forgot-sent")}</p>{back()} }.into_any());
    }
    Ok(view! {
        <p class="lead">{t!("forgot-lead")}</p>
        <Form action=ForgotPassword::PATH>
            <Field name="email" label=t!("email") kind="email" required=true autocomplete="username" />
            <Button variant=ButtonVariant::Primary>{t!("forgot-send")}</Button>
        </Form>
        {back()}
    }
    .into_any())
}

/// `/account/address`.
pub fn address() -> PageFuture {
    page(address_page)
}

async fn address_page(actor: Actor) -> Result<Page, Refusal> {
    let page = Page::new(Section::Account, t!("address-title"));
    if !ctx::sign_in()?.is_mail_enabled() {
        return Ok(page.lead(t!("address-without-mail")));
    }
    if ctx::here().get("sent").is_some() {
        return Ok(page.body(view! { <p role="status">{t!("address-sent")}</p> }));
    }
    let now = actor.email.as_ref().map(ToString::to_string).unwrap_or_default();
    Ok(page.lead(t!("address-lead", now = now)).body(view! {
        <Form action=RequestAddressChange::PATH>
            <Field name="email" label=t!("address-new") kind="email" required=true autocomplete="email" />
            <p class="help">{t!("address-consequence")}</p>
            <Button variant=ButtonVariant::Primary>{t!("address-ask")}</Button>
        </Form>
    }))
}

/// `/address?token=…`: opened by the link that was mailed to the new or the current address.
pub fn confirm() -> PageFuture {
    plain(t!("address-confirm-title"), confirm_form)
}

async fn confirm_form() -> Result<AnyView, Refusal> {
    if ctx::here().get("waits").is_some() {
        return Ok(view! { <p class="lead" role="status">{t!("address-waits")}</p> }.into_any());
    }
    let token = ctx::here().get("token").unwrap_or_default().to_owned();
    let AddressChange { email, to_current } = ctx::sign_in()?.address_change(token.clone()).await?;
    let lead = match to_current {
        true => t!("address-release-lead", email = email),
        false => t!("address-confirm-lead", email = email),
    };
    Ok(view! {
        <p class="lead">{lead}</p>
        <Form action=ConfirmAddress::PATH hidden=vec![("token", token)]>
            <Button variant=ButtonVariant::Primary>{t!("address-confirm")}</Button>
        </Form>
    }
    .into_any())
}

//! The second step of signing in, and the enrollment of an authenticator app.
use super::{
    actions::{AddPasskey, ConfirmTotp, StartTotpEnrollment, VerifyFactor, VerifyPasskey},
    passkeys::{NewPasskey, PasskeyFields},
    qr::Qr,
    recovery_codes::RecoveryCodes,
};
use crate::{
    login::actions::SignOut,
    outcome::{Kind, Refusal},
    ui::{Address, Button, ButtonVariant, Field, Form, PageFuture, ctx, own_path, plain, status},
};
use auth::Stage;
use leptos::{prelude::*, server_fn::ServerFn};

/// `/second-factor`: verifies a factor, or enrolls a required one.
pub fn second_factor() -> PageFuture {
    plain(t!("factor-title"), step)
}

async fn step() -> Result<AnyView, Refusal> {
    let next = own_path(ctx::here().get("next"));
    Ok(match ctx::sign_in()?.stage() {
        Stage::SignedOut => {
            status::go_to(&Address::new("/sign-in").with("next", next).to_string());
            ().into_any()
        }
        Stage::Complete => {
            status::go_to(&next);
            ().into_any()
        }
        Stage::VerifyFactor => show(next).await?,
        Stage::EnrollFactor => enroll(next),
    })
}

async fn show(next: String) -> Result<AnyView, Refusal> {
    let factors = ctx::sign_in()?.factors().await?;
    let help = match factors.totp {
        Some(_) => t!("factor-code-help"),
        None => t!("factor-recovery-help"),
    };
    let hidden = vec![("next", next.clone())];
    Ok(view! {
        <div class="stack">
            <p class="lead">{t!("factor-lead")}</p>
            {(!factors.passkeys.is_empty()).then(|| view! {
                <Form action=VerifyPasskey::PATH hidden=hidden>
                    <PasskeyFields purpose="show" label=t!("passkey-show") />
                    <noscript><p class="help">{t!("passkey-script")}</p></noscript>
                </Form>
            })}
            <Form action=VerifyFactor::PATH hidden=vec![("next", next)]>
                <Field name="code" label=t!("factor-code") help=help required=true autocomplete="one-time-code" />
                <Button variant=ButtonVariant::Primary>{t!("factor-continue")}</Button>
            </Form>
            <p class="help">{t!("factor-lost")}</p>
            <SignOutInstead />
        </div>
    }
    .into_any())
}

fn enroll(next: String) -> AnyView {
    if ctx::answered().is_some_and(|answered| answered.action == AddPasskey::PATH && answered.result.is_ok()) {
        return view! { <RecoveryCodes action=AddPasskey::PATH next=next /> }.into_any();
    }
    let hidden = vec![("next", next.clone())];
    view! {
        <div class="stack">
            <p class="lead">{t!("factor-enroll-lead")}</p>
            <h2>{t!("totp-name")}</h2>
            <Form action=StartTotpEnrollment::PATH hidden=hidden>
                <p class="help">{t!("totp-what")}</p>
                <Button variant=ButtonVariant::Primary>{t!("totp-begin")}</Button>
            </Form>
            <h2>{t!("passkeys-title")}</h2>
            <NewPasskey next=next />
            <SignOutInstead />
        </div>
    }
    .into_any()
}

/// A way out for people who cannot complete the step.
#[component]
fn SignOutInstead() -> impl IntoView {
    view! {
        <Form action=SignOut::PATH class="after">
            <Button>{t!("sign-out")}</Button>
        </Form>
    }
}

/// `/authenticator`: the TOTP secret, until the first code confirms it.
pub fn authenticator() -> PageFuture {
    plain(t!("totp-title"), app)
}

async fn app() -> Result<AnyView, Refusal> {
    let next = ctx::here().get("next").map(|next| own_path(Some(next)));
    if ctx::answered().is_some_and(|answered| answered.action == ConfirmTotp::PATH && answered.result.is_ok()) {
        let next = next.unwrap_or_else(|| "/".into());
        return Ok(view! { <RecoveryCodes action=ConfirmTotp::PATH next=next /> }.into_any());
    }
    let offer = match ctx::sign_in()?.totp_setup().await.map_err(Refusal::from) {
        Ok(offer) => offer,
        // No enrollment is pending: redirect to where one starts.
        Err(refusal) if matches!(refusal.kind, Kind::NotFound | Kind::SignedOut) => {
            let to = match ctx::sign_in()?.stage() {
                Stage::SignedOut => Address::new("/sign-in").with("next", "/account").to_string(),
                Stage::VerifyFactor | Stage::EnrollFactor => "/second-factor".into(),
                Stage::Complete => "/account".into(),
            };
            status::go_to(&to);
            return Ok(().into_any());
        }
        Err(refusal) => return Err(refusal),
    };
    let groups = offer.secret.as_bytes().chunks(4).map(|part| String::from_utf8_lossy(part).into_owned());
    let secret = groups.collect::<Vec<_>>().join(" ");
    let hidden = next.map(|next| ("next", next)).into_iter().collect();
    Ok(view! {
        <p class="lead">{t!("totp-lead")}</p>
        <Qr text=offer.uri label=t!("totp-qr-code") />
        <p>{t!("totp-type")}</p>
        <p class="secret-value"><code>{secret}</code></p>
        <Form action=ConfirmTotp::PATH class="after" hidden=hidden>
            <Field name="code" label=t!("totp-code") help=t!("totp-code-help") required=true autocomplete="one-time-code" />
            <Button variant=ButtonVariant::Primary>{t!("totp-confirm")}</Button>
        </Form>
    }
    .into_any())
}

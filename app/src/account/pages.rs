//! The account page (`/account`): profile, second factors, browser sessions, anomalies and account events.
use super::{events::EventLine, usage::Usage};
use crate::{
    anomalies::pages::OwnAnomalies,
    factors::{
        actions::{AddPasskey, RecoveryCodes as GenerateCodes, RemoveTotp, StartTotpEnrollment},
        passkeys::{NewPasskey, OwnPasskeys},
        recovery_codes::RecoveryCodes,
        runner_trust::RunnerTrust,
    },
    outcome::Refusal,
    ui::{
        Badge, BadgeTone, Button, Confirm, DescriptionItem, DescriptionList, Form, LinkButton, Page, PageFuture,
        Section, TimeAgo, UntrustedText, ctx, page,
    },
};
use domain::Actor;
use leptos::{prelude::*, server_fn::ServerFn};
use store::{AccountEvent, Factors, OwnPublicKey};

const MAX_EVENTS: u32 = 50;
const MAX_ANOMALIES: u32 = 20;

/// `/account`.
pub fn account() -> PageFuture {
    page(account_page)
}

async fn account_page(actor: Actor) -> Result<Page, Refusal> {
    let store = ctx::store()?;
    let (mut read, now) = (store.read(&actor).await?, store.now());
    let (own, tenant) = (read.usage_today(now).await?, read.tenant_usage_today(now).await?);
    let (factors, events) = (read.factors().await?, read.account_events(MAX_EVENTS).await?);
    let keys = read.own_public_keys().await?;
    let rows = read.own_anomalies(MAX_ANOMALIES).await?;
    let person = actor.name.clone();
    let email = actor.email.as_ref().map(ToString::to_string).unwrap_or_default();
    Ok(Page::new(Section::Account, t!("nav-account-page")).lead(t!("account-lead")).body(view! {
        <DescriptionList>
            <DescriptionItem name=t!("person-name")><UntrustedText text=actor.name.clone() /></DescriptionItem>
            <DescriptionItem name=t!("email")><UntrustedText text=email /></DescriptionItem>
        </DescriptionList>
        <p class="form-buttons after">
            <LinkButton href="/account/password">{t!("change-password-title")}</LinkButton>
            <LinkButton href="/account/address">{t!("address-title")}</LinkButton>
        </p>
        <SecondFactors person=person factors=factors keys=keys />
        <section class="stack">
            <h2>{t!("nav-browser-sessions")}</h2>
            <p>{t!("sessions-lead")}</p>
            <LinkButton href="/browser-sessions">{t!("account-sessions")}</LinkButton>
        </section>
        <Usage own=own tenant=tenant quotas=store.quotas() />
        <OwnAnomalies rows=rows />
        <Events events=events />
    }))
}

#[component]
fn SecondFactors(person: String, factors: Factors, keys: Vec<OwnPublicKey>) -> impl IntoView {
    let any = factors.totp.is_some() || !factors.passkeys.is_empty();
    view! {
        <section class="stack">
            <h2>{t!("factors-title")}</h2>
            <p>{t!("factors-lead")}</p>
            <RecoveryCodes action=GenerateCodes::PATH next="/account" />
            <RecoveryCodes action=AddPasskey::PATH next="/account" />
            <h3>{t!("totp-name")}</h3>
            {match factors.totp {
                Some(since) => view! {
                    <p><Badge tone=BadgeTone::Good label=t!("factor-set-up") />" "<TimeAgo at=since /></p>
                    <Confirm
                        label=t!("totp-remove-open") consequence=t!("totp-remove-consequence") act=t!("totp-remove")
                        action=RemoveTotp::PATH hidden=vec![]
                    />
                }.into_any(),
                None => view! {
                    <p class="help">{t!("totp-what")}</p>
                    <Form action=StartTotpEnrollment::PATH>
                        <Button>{t!("totp-begin")}</Button>
                    </Form>
                }.into_any(),
            }}
            <h3>{t!("passkeys-title")}</h3>
            <OwnPasskeys passkeys=factors.passkeys.clone() />
            <NewPasskey />
            <RunnerTrust person=person passkeys=factors.passkeys keys=keys />
            {any.then(|| view! {
                <h3>{t!("recovery-name")}</h3>
                <p>{t!("recovery-left", n = factors.recovery_codes)}</p>
                <Confirm
                    label=t!("recovery-new-open") consequence=t!("recovery-new-consequence") act=t!("recovery-new")
                    action=GenerateCodes::PATH hidden=vec![]
                />
            })}
        </section>
    }
}

#[component]
fn Events(events: Vec<AccountEvent>) -> impl IntoView {
    let line = |event: AccountEvent| view! { <li><EventLine event=event /></li> };
    view! {
        <section>
            <h2>{t!("events-title")}</h2>
            {match events.is_empty() {
                true => view! { <p class="muted">{t!("events-none")}</p> }.into_any(),
                false => view! { <ul class="events">{events.into_iter().map(line).collect_view()}</ul> }.into_any(),
            }}
        </section>
    }
}

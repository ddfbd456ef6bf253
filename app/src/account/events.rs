//! Unseen account events, shown at the top of every page until they are dismissed.
use super::actions::DismissEvents;
use crate::ui::{Button, Form, TimeAgo, UntrustedText};
use domain::account::Happened;
use leptos::{prelude::*, server_fn::ServerFn};
use store::{AccountEvent, Read};

const MAX_EVENTS: u32 = 5;

/// Returns the unseen events, if there are any. A read error must not break the page: the events appear on the next one.
pub async fn unseen_events(read: &mut Read) -> Option<AnyView> {
    let events = read.unseen_account_events(MAX_EVENTS).await.ok()?;
    let last = events.first()?.id.to_string();
    // Organization changes and similar events do not require securing the account.
    let informational = events.iter().all(|event| related_page(event.happened).is_some());
    let lines = events.into_iter().map(|event| view! { <li><EventLine event=event /></li> }).collect_view();
    Some(
        view! {
            <section class="news" aria-labelledby="news-title">
                <h2 id="news-title">{if informational { t!("news-told-title") } else { t!("news-title") }}</h2>
                <ul>{lines}</ul>
                {(!informational)
                    .then(|| view! { <p class="help">{t!("news-text")}" "<a href="/account">{t!("nav-own-account")}</a></p> })}
                <Form action=DismissEvents::PATH class="after" hidden=vec![("last", last)]>
                    <Button>{t!("news-seen")}</Button>
                </Form>
            </section>
        }
        .into_any(),
    )
}

/// A line that describes one account event.
#[component]
pub fn EventLine(event: AccountEvent) -> impl IntoView {
    let AccountEvent { happened, detail, created_at, address, .. } = event;
    let anomaly = matches!(happened, Happened::NewPlace | Happened::ManyFailures | Happened::KeyAnomaly);
    view! {
        {description(happened)}
        {(!detail.is_empty()).then(|| view! { ": "<UntrustedText text=detail /> })}
        " · "
        <TimeAgo at=created_at />
        {(happened == Happened::KeyEndsSoon).then(|| view! { " · "<a href="/keys">{t!("nav-keys")}</a> })}
        {anomaly.then(|| view! { " · "<a href="/account#anomalies">{t!("news-anomaly")}</a> })}
        {(!address.is_empty()).then(|| view! { " · "<span class="muted mono"><UntrustedText text=address /></span> })}
    }
}

/// Returns the description of an account event.
pub fn description(happened: Happened) -> String {
    match happened {
        Happened::PasswordChanged => t!("happened-password-changed"),
        Happened::PasswordLink => t!("happened-password-link"),
        Happened::TotpAdded => t!("happened-totp-added"),
        Happened::TotpRemoved => t!("happened-totp-removed"),
        Happened::PasskeyAdded => t!("happened-passkey-added"),
        Happened::PasskeyRemoved => t!("happened-passkey-removed"),
        Happened::IdentityLinked => t!("happened-identity-linked"),
        Happened::IdentityUnlinked => t!("happened-identity-unlinked"),
        Happened::RecoveryCodesMade => t!("happened-recovery-codes-made"),
        Happened::RecoveryCodeUsed => t!("happened-recovery-code-used"),
        Happened::FactorsReset => t!("happened-factors-reset"),
        Happened::AddressAsked => t!("happened-address-asked"),
        Happened::AddressChanged => t!("happened-address-changed"),
        Happened::NewPlace => t!("happened-new-place"),
        Happened::ManyFailures => t!("happened-many-failures"),
        Happened::KeyAnomaly => t!("happened-key-anomaly"),
        Happened::KeyEndsSoon => t!("happened-key-ends-soon"),
        Happened::JoinAsked => t!("happened-join-asked"),
        Happened::JoinAccepted => t!("happened-join-accepted"),
        Happened::JoinDeclined => t!("happened-join-declined"),
        Happened::MembershipRemoved => t!("happened-membership-removed"),
        Happened::ServiceAccountsGiven => t!("happened-service-accounts-given"),
    }
}

/// Returns the page with more about an event that has nothing to do with sign-in; `None` for events that concern the security of
/// the account.
pub const fn related_page(happened: Happened) -> Option<&'static str> {
    match happened {
        Happened::JoinAsked
        | Happened::JoinAccepted
        | Happened::JoinDeclined
        | Happened::MembershipRemoved
        | Happened::ServiceAccountsGiven => Some("/organizations"),
        Happened::KeyEndsSoon => Some("/keys"),
        _ => None,
    }
}

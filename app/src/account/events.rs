//! Unseen account events, shown at the top of every page until they are dismissed.
use super::actions::DismissEvents;
use crate::{
    approvals::APPROVAL_SETTINGS,
    ui::{Button, Form, TimeAgo, UntrustedText},
};
use domain::account::AccountNotice;
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
            <section class="news" aria-labelledby="notifications-title">
                <h2 id="notifications-title">{if informational { t!("notifications-updates-title") } else { t!("notifications-title") }}</h2>
                <ul>{lines}</ul>
                {(!informational)
                    .then(|| view! { <p class="help">{t!("notifications-text")}" "<a href="/account">{t!("nav-account-page")}</a></p> })}
                <Form action=DismissEvents::PATH class="after" hidden=vec![("last", last)]>
                    <Button>{t!("notifications-seen")}</Button>
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
    let anomaly = matches!(happened, AccountNotice::NewPlace | AccountNotice::ManyFailures | AccountNotice::KeyAnomaly);
    view! {
        {description(happened)}
        {(!detail.is_empty()).then(|| view! { ": "<UntrustedText text=detail /> })}
        " · "
        <TimeAgo at=created_at />
        {(happened == AccountNotice::KeyEndsSoon).then(|| view! { " · "<a href="/keys">{t!("nav-keys")}</a> })}
        {anomaly.then(|| view! { " · "<a href="/account#anomalies">{t!("notifications-anomaly")}</a> })}
        {(!address.is_empty()).then(|| view! { " · "<span class="muted mono"><UntrustedText text=address /></span> })}
    }
}

pub fn description(happened: AccountNotice) -> String {
    match happened {
        AccountNotice::PasswordChanged => t!("account-event-password-changed"),
        AccountNotice::PasswordLink => t!("account-event-password-link"),
        AccountNotice::TotpAdded => t!("account-event-totp-added"),
        AccountNotice::TotpRemoved => t!("account-event-totp-removed"),
        AccountNotice::PasskeyAdded => t!("account-event-passkey-added"),
        AccountNotice::PasskeyRemoved => t!("account-event-passkey-removed"),
        AccountNotice::IdentityLinked => t!("account-event-identity-linked"),
        AccountNotice::IdentityUnlinked => t!("account-event-identity-unlinked"),
        AccountNotice::RecoveryCodesMade => t!("account-event-recovery-codes-made"),
        AccountNotice::RecoveryCodeUsed => t!("account-event-recovery-code-used"),
        AccountNotice::FactorsReset => t!("account-event-factors-reset"),
        AccountNotice::AddressRequested => t!("account-event-address-requested"),
        AccountNotice::AddressChanged => t!("account-event-address-changed"),
        AccountNotice::NewPlace => t!("account-event-new-place"),
        AccountNotice::ManyFailures => t!("account-event-many-failures"),
        AccountNotice::KeyAnomaly => t!("account-event-key-anomaly"),
        AccountNotice::KeyEndsSoon => t!("account-event-key-ends-soon"),
        AccountNotice::BackupFailed => t!("account-event-backup-failed"),
        AccountNotice::JoinRequested => t!("account-event-join-requested"),
        AccountNotice::JoinAccepted => t!("account-event-join-accepted"),
        AccountNotice::JoinDeclined => t!("account-event-join-declined"),
        AccountNotice::MembershipRemoved => t!("account-event-membership-removed"),
        AccountNotice::ServiceAccountsGiven => t!("account-event-service-accounts-given"),
        AccountNotice::ApproverAdded => t!("account-event-approver-added"),
        AccountNotice::ApproverLinkIssued => t!("account-event-approver-link-issued"),
        AccountNotice::ApproverFactorsReset => t!("account-event-approver-factors-reset"),
        AccountNotice::ApproverAddressReplaced => t!("account-event-approver-address-replaced"),
        AccountNotice::HoldLifted => t!("account-event-hold-lifted"),
        AccountNotice::ConfirmationRequested => t!("account-event-confirmation-requested"),
        AccountNotice::ConfirmationDeclined => t!("account-event-confirmation-declined"),
        AccountNotice::ApprovalPolicyChanged => t!("account-event-approval-policy-changed"),
        AccountNotice::RunnerSilent => t!("account-event-runner-silent"),
        AccountNotice::TaskExpired => t!("account-event-task-expired"),
    }
}

/// Returns the page with more about an event that has nothing to do with sign-in; `None` for events that concern the security of
/// the account.
pub const fn related_page(happened: AccountNotice) -> Option<&'static str> {
    match happened {
        AccountNotice::JoinRequested
        | AccountNotice::JoinAccepted
        | AccountNotice::JoinDeclined
        | AccountNotice::MembershipRemoved
        | AccountNotice::ServiceAccountsGiven => Some("/organizations"),
        AccountNotice::KeyEndsSoon => Some("/keys"),
        AccountNotice::RunnerSilent => Some("/runners"),
        AccountNotice::TaskExpired => Some("/tasks"),
        AccountNotice::BackupFailed => Some("/settings/backups"),
        AccountNotice::ApproverAdded
        | AccountNotice::ApproverLinkIssued
        | AccountNotice::ApproverFactorsReset
        | AccountNotice::ApproverAddressReplaced
        | AccountNotice::HoldLifted
        | AccountNotice::ConfirmationRequested
        | AccountNotice::ConfirmationDeclined
        | AccountNotice::ApprovalPolicyChanged => Some(APPROVAL_SETTINGS),
        _ => None,
    }
}

//! The approval settings of a tenant: own requests, dual control, and holds on approvers.
use super::actions::{ConfirmChange, DeclineChange, LiftHold, SetDualControl, SetSelfApproval};
use crate::{
    outcome::Refusal,
    ui::{
        Button, ButtonVariant, Confirm, Form, Page, PageFuture, SecretOnce, Section, Table, TimeAgo, UntrustedText,
        ctx, labels, page,
    },
};
use domain::{Actor, account::AccountChange, confirmation::ProtectedChange};
use leptos::{prelude::*, server_fn::ServerFn};
use store::{Confirmation, Hold};

/// `/settings/approvals`: everybody reads the settings, and admins change them.
pub fn approval_settings() -> PageFuture {
    page(settings)
}

async fn settings(actor: Actor) -> Result<Page, Refusal> {
    let mut read = ctx::store()?.read(&actor).await?;
    let (policy, holds) = (read.approval_policy().await?, read.holds().await?);
    let confirmations = read.confirmations().await?;
    let reads_holds = actor.can_read_everything();
    let reads_confirmations = reads_holds || actor.manages_anything() || !confirmations.is_empty();
    let page = Page::new(Section::Approvals, t!("approval-settings-title")).lead(t!("approval-settings-lead"));
    Ok(page.body(view! {
        <section>
            <h2>{t!("approval-settings-self")}</h2>
            <p>{if policy.self_approval { t!("approval-settings-self-on") } else { t!("approval-settings-self-off") }}</p>
            {actor.is_admin().then(|| view! { <SelfApproval allowed=policy.self_approval /> })}
        </section>
        <section>
            <h2>{t!("approval-settings-dual")}</h2>
            <p>{if policy.dual_control { t!("approval-settings-dual-on") } else { t!("approval-settings-dual-off") }}</p>
            {actor.is_admin().then(|| view! { <DualControl enabled=policy.dual_control /> })}
        </section>
        {reads_confirmations.then(|| view! { <Confirmations rows=confirmations actor=actor.clone() /> })}
        {reads_holds.then(|| view! { <Holds holds=holds actor=actor /> })}
    }))
}

#[component]
fn SelfApproval(allowed: bool) -> impl IntoView {
    let hidden = vec![("allowed", (!allowed).to_string())];
    let (label, consequence, act) = match allowed {
        false => (
            t!("approval-settings-self-allow-open"),
            t!("approval-settings-self-allow-consequence"),
            t!("approval-settings-self-allow"),
        ),
        true => (
            t!("approval-settings-self-forbid-open"),
            t!("approval-settings-self-forbid-consequence"),
            t!("approval-settings-self-forbid"),
        ),
    };
    view! { <Confirm label=label consequence=consequence act=act action=SetSelfApproval::PATH hidden=hidden /> }
}

#[component]
fn DualControl(enabled: bool) -> impl IntoView {
    let hidden = vec![("enabled", (!enabled).to_string())];
    let (label, consequence, act) = match enabled {
        false => (
            t!("approval-settings-dual-enable-open"),
            t!("approval-settings-dual-enable-consequence"),
            t!("approval-settings-dual-enable"),
        ),
        true => (
            t!("approval-settings-dual-disable-open"),
            t!("approval-settings-dual-disable-consequence"),
            t!("approval-settings-dual-disable"),
        ),
    };
    view! { <Confirm label=label consequence=consequence act=act action=SetDualControl::PATH hidden=hidden /> }
}

/// The pending changes, with the buttons that the actor may use.
#[component]
fn Confirmations(rows: Vec<Confirmation>, actor: Actor) -> impl IntoView {
    let headings = vec![
        t!("confirmation-change"),
        t!("confirmation-person"),
        t!("confirmation-requester"),
        t!("confirmation-expires"),
        String::new(),
    ];
    let row = move |request: Confirmation| {
        let hidden = || vec![("id", request.id.to_string())];
        let about = request.person.clone().unwrap_or_default();
        let consequence = match request.change {
            ProtectedChange::PasswordLink { .. } => t!("confirmation-confirm-link-consequence"),
            ProtectedChange::LoosenRules { .. } => t!("confirmation-confirm-rules-consequence"),
            _ => t!("confirmation-confirm-consequence"),
        };
        // Missing step-up authentication does not hide the form: it is required on submission.
        let may_confirm = actor.may(request.confirm_action()).map_or_else(|denied| denied.stale, |_| true);
        let confirm = may_confirm.then(|| {
            view! {
                <Confirm
                    label=t!("confirmation-confirm-open") about=about consequence=consequence act=t!("confirmation-confirm")
                    action=ConfirmChange::PATH hidden=hidden() variant=ButtonVariant::Primary
                />
            }
        });
        let own = actor.person() == Some(request.requester_id);
        let close = actor.may(request.decline_action()).is_ok().then(|| {
            let act = if own { t!("confirmation-withdraw") } else { t!("confirmation-decline") };
            view! { <Form action=DeclineChange::PATH hidden=hidden()><Button>{act}</Button></Form> }
        });
        let rules = matches!(request.change, ProtectedChange::LoosenRules { .. }).then(|| {
            let href = format!("/rules/proposals/{}", request.id);
            view! { " "<a href=href>{t!("change-loosen-rules-show")}</a> }
        });
        view! {
            <tr>
                <th scope="row"><UntrustedText text=change(&request.change) />{rules}</th>
                <td><UntrustedText text=request.person.clone().unwrap_or_default() /></td>
                <td><UntrustedText text=request.requester.clone() /></td>
                <td><TimeAgo at=request.expires_at /></td>
                <td class="cell-action">{confirm}{close}</td>
            </tr>
        }
    };
    view! {
        <section>
            <h2>{t!("confirmations")}</h2>
            <SecretOnce action=ConfirmChange::PATH title=t!("confirmation-link-title") text=t!("confirmation-link-text") />
            {match rows.is_empty() {
                true => view! { <p class="muted">{t!("confirmations-empty")}</p> }.into_any(),
                false => view! {
                    <Table caption=t!("confirmations") headings=headings>
                        {rows.into_iter().map(row).collect_view()}
                    </Table>
                }
                .into_any(),
            }}
        </section>
    }
}

fn change(change: &ProtectedChange) -> String {
    match change {
        ProtectedChange::Membership { role, .. } => t!("change-membership", role = labels::role(*role)),
        ProtectedChange::TenantRole { tenant_role, .. } => {
            t!("change-tenant-role", role = labels::tenant_role(*tenant_role))
        }
        ProtectedChange::PasswordLink { .. } => t!("change-password-link"),
        ProtectedChange::FactorsReset { .. } => t!("change-factors-reset"),
        ProtectedChange::Address { email, .. } => t!("change-address", email = email.to_string()),
        ProtectedChange::AllowSelfApproval => t!("change-allow-self-approval"),
        ProtectedChange::DisableDualControl => t!("change-disable-dual-control"),
        ProtectedChange::LoosenRules { version, .. } => t!("change-loosen-rules", version = version),
    }
}

#[component]
fn Holds(holds: Vec<Hold>, actor: Actor) -> impl IntoView {
    let headings = vec![
        t!("approval-settings-hold-account"),
        t!("approval-settings-hold-maker"),
        t!("approval-settings-hold-cause"),
        t!("approval-settings-hold-until"),
        String::new(),
    ];
    let row = move |hold: Hold| {
        let hidden = vec![("person", hold.person_id.to_string()), ("maker", hold.maker_id.to_string())];
        let involved = [Some(hold.person_id), Some(hold.maker_id)].contains(&actor.person());
        let lift = (actor.is_admin() && !involved).then(|| {
            view! {
                <Confirm
                    label=t!("approval-settings-hold-lift-open") about=hold.person.clone()
                    consequence=t!("approval-settings-hold-lift-consequence") act=t!("approval-settings-hold-lift")
                    action=LiftHold::PATH hidden=hidden variant=ButtonVariant::Primary
                />
            }
        });
        view! {
            <tr>
                <th scope="row"><UntrustedText text=hold.person /></th>
                <td><UntrustedText text=hold.maker /></td>
                <td>{cause(hold.cause)}</td>
                <td><TimeAgo at=hold.expires_at /></td>
                <td class="cell-action">{lift}</td>
            </tr>
        }
    };
    view! {
        <section>
            <h2>{t!("approval-settings-holds")}</h2>
            <p class="help">{t!("approval-settings-holds-help")}</p>
            {match holds.is_empty() {
                true => view! { <p class="muted">{t!("approval-settings-holds-empty")}</p> }.into_any(),
                false => view! {
                    <Table caption=t!("approval-settings-holds") headings=headings>
                        {holds.into_iter().map(row).collect_view()}
                    </Table>
                }
                .into_any(),
            }}
        </section>
    }
}

fn cause(cause: AccountChange) -> String {
    match cause {
        AccountChange::Creation => t!("hold-cause-creation"),
        AccountChange::Invitation => t!("hold-cause-invitation"),
        AccountChange::Role => t!("hold-cause-role"),
        AccountChange::PasswordLink => t!("hold-cause-password-link"),
        AccountChange::FactorsReset => t!("hold-cause-factors-reset"),
        AccountChange::Address => t!("hold-cause-address"),
    }
}

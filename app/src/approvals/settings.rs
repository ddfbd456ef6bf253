//! The approval settings of a tenant: own requests, and holds on approvers.
use super::actions::{LiftHold, SetSelfApproval};
use crate::{
    outcome::Refusal,
    ui::{ButtonVariant, Confirm, Page, PageFuture, Section, Table, TimeAgo, UntrustedText, ctx, page},
};
use domain::{Actor, account::ApproverChange};
use leptos::{prelude::*, server_fn::ServerFn};
use store::Hold;

/// The page of changes to approvers and their rules.
pub const APPROVAL_SETTINGS: &str = "/settings/approvals";

/// `/settings/approvals`: everybody reads the settings, and admins change them.
pub fn approval_settings() -> PageFuture {
    page(settings)
}

async fn settings(actor: Actor) -> Result<Page, Refusal> {
    let mut read = ctx::store()?.read(&actor).await?;
    let (policy, holds) = (read.approval_policy().await?, read.holds().await?);
    let reads_holds = actor.can_read_everything();
    let page = Page::new(Section::Approvals, t!("approval-settings-title")).lead(t!("approval-settings-lead"));
    Ok(page.body(view! {
        <section>
            <h2>{t!("approval-settings-self")}</h2>
            <p>{if policy.self_approval { t!("approval-settings-self-on") } else { t!("approval-settings-self-off") }}</p>
            {actor.is_admin().then(|| view! { <SelfApproval allowed=policy.self_approval /> })}
        </section>
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

fn cause(cause: ApproverChange) -> String {
    match cause {
        ApproverChange::Role => t!("hold-cause-role"),
        ApproverChange::PasswordLink => t!("hold-cause-password-link"),
        ApproverChange::FactorsReset => t!("hold-cause-factors-reset"),
        ApproverChange::Address => t!("hold-cause-address"),
    }
}

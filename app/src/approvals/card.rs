//! The decision card of an approval request: state, deadline, who can decide, buttons and decisions so far.
use super::{actions::Decide, badge::ApprovalBadge, deciders::WhoCanDecide, evidence::evidence_text};
use crate::{
    factors::passkeys::SigningButton,
    refusal::denied_text,
    tasks::labels::{NetworkBadge, duration},
    ui::{
        Badge, BadgeTone, Button, ButtonVariant, DescriptionItem, DescriptionList, Digest, Form, Live, TextArea,
        TimeAgo, UntrustedText, ctx,
    },
};
use domain::{
    Actor, ApprovalId, PersonId, Timestamp,
    approval::{Answer, ApprovalState},
    policy,
};
use leptos::{prelude::*, server_fn::ServerFn};
use store::{Approval, Decider, Decision};

/// The data of the decision card besides the request.
#[derive(Clone, Debug)]
pub struct Standing {
    pub decisions: Vec<Decision>,
    pub deciders: Vec<Decider>,
    pub viewer: Option<PersonId>,
    /// Why the actor cannot decide it, if so.
    pub blocked_because: Option<String>,
    /// The next request that the actor can decide.
    pub next: Option<ApprovalId>,
    /// Whether the decision would be one on the actor's own request.
    pub own: bool,
}

/// The card. Its style keeps the decision buttons visible while the page scrolls.
#[component]
pub fn DecisionCard(
    approval: Approval,
    standing: Standing,
    /// The options with which the approver's passkey confirms an approval, and the host of the page; `None` without one.
    signing: Option<(String, String)>,
) -> impl IntoView {
    let requires_passkey = approval.requires_passkey;
    let digest = approval.request_digest.to_string();
    let hidden = vec![("id", approval.id.to_string()), ("request_digest", digest.clone())];
    let topics = format!("approvals:{},tasks:{}", approval.id, approval.task_id);
    let (policy, organization, rule) = (approval.network, approval.organization.clone(), approval.rule.clone());
    let (allowed, own) = (standing.blocked_because.is_none(), standing.own);
    let decisions = standing.decisions.clone();
    view! {
        <aside class="rail decision" aria-label=t!("approval-decision")>
            <div class="decision-first">
                <Live topics=topics.clone() region="decision" quiet=true>
                    <Status approval=approval standing=standing />
                </Live>
            </div>
            {(allowed && own).then(|| view! { <p class="notice">{t!("approval-own-allowed")}</p> })}
            {allowed.then(|| view! { <DecisionForm hidden=hidden requires_passkey=requires_passkey signing=signing /> })}
            <div class="decision-rest">
                {allowed.then(|| view! { <p class="help">{t!("approval-consequence")}</p> })}
                <Live topics=topics region="answers" quiet=true>
                    <Decisions decisions=decisions />
                </Live>
                <DescriptionList>
                    <DescriptionItem name=t!("approval-reach")><NetworkBadge policy=policy /></DescriptionItem>
                    <DescriptionItem name=t!("task-organization")><UntrustedText text=organization /></DescriptionItem>
                    <DescriptionItem name=t!("approval-rule")><UntrustedText text=rule /></DescriptionItem>
                    <DescriptionItem name=t!("task-request-digest")><Digest hex=digest /></DescriptionItem>
                </DescriptionList>
            </div>
        </aside>
    }
}

/// The state, the time left and who can decide, which update live. Once the request is settled, the style hides the form below it.
#[component]
fn Status(approval: Approval, standing: Standing) -> impl IntoView {
    let Standing { deciders, viewer, blocked_because, next, .. } = standing;
    let waiting = approval.state == ApprovalState::Waiting;
    let missing = approval.needed.saturating_sub(approval.given);
    let task = (!waiting).then(|| (format!("/tasks/{}", approval.task_id), approval.state == ApprovalState::Approved));
    view! {
        <div class=if waiting { "standing" } else { "standing settled" }>
            <p>
                <ApprovalBadge state=approval.state />
                " "
                {t!("approval-count", given = approval.given, needed = approval.needed)}
            </p>
            {waiting.then(|| view! { <TimeLeft until=approval.expires_at /> })}
            {waiting.then(|| view! {
                <WhoCanDecide deciders=deciders viewer=viewer missing=missing organization=approval.organization_id />
            })}
            {approval.requires_passkey.then(|| view! { <p class="help">{t!("approval-needs-passkey")}</p> })}
        </div>
        <div role="status">
            {blocked_because.map(|text| view! {
                <p class=if waiting { "why-not" } else { "settled-text" }>
                    {text}
                    {task.map(|(href, approved)| view! {
                        " "<a href=href>{if approved { t!("approval-watch") } else { t!("approval-view-task") }}</a>
                    })}
                    {if waiting { " " } else { " · " }}
                    {match next {
                        Some(next) => view! { <a href=format!("/approvals/{next}")>{t!("approval-next")}</a> },
                        None => view! { <a href="/approvals">{t!("approval-back")}</a> },
                    }}
                </p>
            })}
        </div>
    }
}

/// The time left to the minute, when the page was rendered, with the exact deadline.
#[component]
fn TimeLeft(until: Timestamp) -> impl IntoView {
    let seconds = u32::try_from(until.0.saturating_sub(ctx::now().0) / 1_000_000).unwrap_or(0);
    let left = match seconds / 60 {
        0 => t!("approval-minute-left"),
        minutes => t!("approval-left", left = duration(minutes * 60)),
    };
    view! { <p class="time-left">{left}" "<span class="muted">{t!("approval-deadline", at = until.exact())}</span></p> }
}

/// The decisions so far, with their reasons.
#[component]
fn Decisions(decisions: Vec<Decision>) -> impl IntoView {
    let item = |decision: Decision| {
        let (tone, label) = match decision.answer {
            Answer::Approve => (BadgeTone::Good, t!("approval-decision-approved")),
            Answer::Deny => (BadgeTone::Bad, t!("approval-decision-denied")),
        };
        view! {
            <li>
                <Badge tone=tone label=label />
                " "
                <UntrustedText text=decision.person />
                " "
                <TimeAgo at=decision.created_at />
                <p class="help"><UntrustedText text=evidence_text(&decision.evidence) /></p>
                {decision.is_own.then(|| view! { " "<Badge tone=BadgeTone::Waiting label=t!("approval-decision-own") /> })}
                {(!decision.reason.is_empty()).then(|| view! { <Reason text=decision.reason /> })}
            </li>
        }
    };
    (!decisions.is_empty()).then(|| view! { <ul class="answers">{decisions.into_iter().map(item).collect_view()}</ul> })
}

#[component]
fn Reason(text: String) -> impl IntoView {
    text.split('\n').map(|line| view! { <p class="said"><UntrustedText text=line /></p> }).collect_view()
}

/// The deny button comes first, so that Enter, which presses a form's first button, never approves.
#[component]
fn DecisionForm(
    hidden: Vec<(&'static str, String)>,
    requires_passkey: bool,
    signing: Option<(String, String)>,
) -> impl IntoView {
    let has_passkey = signing.is_some();
    let plain = |variant, label| view! { <Button variant=variant name="answer" value="approve">{label}</Button> };
    view! {
        <Form action=Decide::PATH hidden=hidden class="decide">
            <TextArea name="reason" label=t!("approval-reason") help=t!("approval-reason-help") rows=2 />
            <div class="form-buttons">
                <Button name="answer" value="deny">{t!("approval-deny")}</Button>
                <span class="contents" role="group" aria-label=t!("approval-approve") aria-keyshortcuts="a">
                    {signing.map(|(options, host)| view! {
                        <SigningButton options=options host=host label=t!("approval-approve-passkey") />
                    })}
                    {match (requires_passkey, has_passkey) {
                        // Where a passkey is required, only a browser without JavaScript gets the button, and the reason why it fails.
                        (true, _) => view! { <noscript>{plain(ButtonVariant::Primary, t!("approval-approve"))}</noscript> }.into_any(),
                        (false, true) => plain(ButtonVariant::Secondary, t!("approval-approve")).into_any(),
                        (false, false) => plain(ButtonVariant::Primary, t!("approval-approve")).into_any(),
                    }}
                </span>
            </div>
            {(requires_passkey && !has_passkey).then(|| view! {
                <p class="help">{t!("approval-no-passkey")}" "<a href="/account">{t!("approval-add-passkey")}</a></p>
            })}
        </Form>
    }
}

/// Returns why the actor cannot decide the approval request now, if so.
pub fn blocked_because(actor: &Actor, approval: &Approval, now: Timestamp) -> Option<String> {
    match approval.state {
        ApprovalState::Waiting if approval.expires_at <= now => return Some(t!("approval-is-expired")),
        ApprovalState::Waiting => {}
        ApprovalState::Approved => return Some(t!("approval-is-approved")),
        ApprovalState::Denied => return Some(t!("approval-is-denied")),
        ApprovalState::Expired => return Some(t!("approval-is-expired")),
        ApprovalState::Withdrawn => return Some(t!("approval-is-withdrawn")),
    }
    if approval.has_decided {
        return Some(t!("approval-answered"));
    }
    let action = approval.decide_action(Answer::Approve, String::new(), approval.request_digest);
    let action = policy::Decide { requires_passkey: false, ..action }; // the form asks for it
    // Missing step-up authentication does not hide the form: it is required on submission.
    actor.may(action).err().filter(|denied| !denied.stale).map(|denied| denied_text(&denied))
}

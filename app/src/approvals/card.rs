//! The decision card of an approval request: requester, network access, decisions so far, deadline and buttons.
use super::{actions::Decide, badge::ApprovalBadge, evidence::evidence_text};
use crate::{
    factors::passkeys::SigningButton,
    refusal::denied_text,
    tasks::labels::{NetworkBadge, network_explanation},
    ui::{
        Badge, BadgeTone, Button, ButtonVariant, DescriptionItem, DescriptionList, Digest, Form, Live, TextArea,
        TimeAgo, UntrustedText,
    },
};
use domain::{
    Actor, Timestamp,
    approval::{Answer, ApprovalState},
    network::NetworkPolicy,
    policy,
};
use leptos::{prelude::*, server_fn::ServerFn};
use store::{Approval, Decision};

/// The card. Its style keeps the decision buttons visible while the page scrolls.
#[component]
pub fn DecisionCard(
    approval: Approval,
    decisions: Vec<Decision>,
    blocked_because: Option<String>,
    /// The options with which the approver's passkey confirms an approval, and the host of the page; `None` without one.
    signing: Option<(String, String)>,
    /// Whether the decision would be one on the actor's own request.
    own: bool,
) -> impl IntoView {
    let requires_passkey = approval.requires_passkey;
    let digest = approval.request_digest.to_string();
    let hidden = vec![("id", approval.id.to_string()), ("request_digest", digest.clone())];
    let (waiting, policy) = (approval.state == ApprovalState::Waiting, approval.network);
    let topics = format!("approvals:{},tasks:{}", approval.id, approval.task_id);
    let (requester, organization, rule) =
        (approval.requester.clone(), approval.organization.clone(), approval.rule.clone());
    let allowed = blocked_because.is_none();
    // The complete explanation is above the script; here it would push the buttons out of sight.
    let reach = match policy {
        NetworkPolicy::Unrestricted => t!("approval-reach-unrestricted"),
        policy => network_explanation(policy),
    };
    view! {
        <aside class="rail decision" aria-label=t!("approval-decision")>
            <div class="decision-first">
                <DescriptionList>
                    <DescriptionItem name=t!("approval-requester")><strong><UntrustedText text=requester /></strong></DescriptionItem>
                    <DescriptionItem name=t!("approval-reach")><NetworkBadge policy=policy /><p class="help">{reach}</p></DescriptionItem>
                </DescriptionList>
                <Live topics=topics.clone() region="decision" quiet=true>
                    <Status approval=approval />
                    <div role="status">
                        {blocked_because.map(|text| view! { <p class="why-not">{text}</p> })}
                        {(!waiting).then(|| view! { <p><a href="/approvals">{t!("approval-back")}</a></p> })}
                    </div>
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
                    <DescriptionItem name=t!("task-organization")><UntrustedText text=organization /></DescriptionItem>
                    <DescriptionItem name=t!("approval-rule")><UntrustedText text=rule /></DescriptionItem>
                    <DescriptionItem name=t!("task-request-digest")><Digest hex=digest /></DescriptionItem>
                </DescriptionList>
            </div>
        </aside>
    }
}

/// The state, which updates live. Once the request is settled, the style hides the form below it.
#[component]
fn Status(approval: Approval) -> impl IntoView {
    let waiting = approval.state == ApprovalState::Waiting;
    view! {
        <div class=if waiting { "standing" } else { "standing settled" }>
            <p>
                <ApprovalBadge state=approval.state />
                " "
                {t!("approval-count", given = approval.given, needed = approval.needed)}
            </p>
            {approval.requires_passkey.then(|| view! { <p class="help">{t!("approval-needs-passkey")}</p> })}
            {waiting.then(|| view! { <p class="help">{t!("approval-until")}" "<TimeAgo at=approval.expires_at /></p> })}
        </div>
    }
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
                <Button variant=ButtonVariant::Danger name="answer" value="deny">{t!("approval-deny")}</Button>
                {signing.map(|(options, host)| view! {
                    <SigningButton options=options host=host label=t!("approval-approve-passkey") />
                })}
                {match (requires_passkey, has_passkey) {
                    // Where a passkey is required, only a browser without JavaScript gets the button, and the reason why it fails.
                    (true, _) => view! { <noscript>{plain(ButtonVariant::Primary, t!("approval-approve"))}</noscript> }.into_any(),
                    (false, true) => plain(ButtonVariant::Secondary, t!("approval-approve")).into_any(),
                    (false, false) => plain(ButtonVariant::Primary, t!("approval-approve")).into_any(),
                }}
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

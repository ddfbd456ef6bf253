//! The decision card of an approval request: requester, network access, decisions so far, deadline and buttons.
use super::{actions::Decide, pages::ApprovalBadge};
use crate::{
    tasks::words::{Reach, reach_in_full},
    ui::{Badge, Button, Digest, Fact, Facts, Form, Live, Look, Meaning, Moment, Revealed, TextArea},
};
use domain::{
    Actor, Timestamp,
    approval::{Answer, ApprovalState},
    policy,
};
use leptos::{prelude::*, server_fn::ServerFn};
use store::{Approval, Decision};

/// The card. Its style keeps the decision buttons visible while the page scrolls.
#[component]
pub fn Card(
    approval: Approval,
    decisions: Vec<Decision>,
    why_not: Option<String>,
) -> impl IntoView {
    let digest = approval.request_digest.to_string();
    let hidden = vec![("id", approval.id.to_string()), ("request_digest", digest.clone())];
    let (waiting, policy) = (approval.state == ApprovalState::Waiting, approval.network);
    let topics = format!("approvals:{},tasks:{}", approval.id, approval.task_id);
    let (requester, organization, rule) =
        (approval.requester.clone(), approval.organization.clone(), approval.rule.clone());
    let may = why_not.is_none();
    view! {
        <aside class="rail decision" aria-label=t!("approval-decision")>
            <div class="decision-first">
                <Facts>
                    <Fact name=t!("approval-requester")><strong><Revealed text=requester /></strong></Fact>
                    <Fact name=t!("approval-reach")><Reach policy=policy /><p class="help">{reach_in_full(policy)}</p></Fact>
                </Facts>
                <Live topics=topics.clone() region="decision" quiet=true>
                    <Standing approval=approval />
                    <div role="status">
                        {why_not.map(|text| view! { <p class="why-not">{text}</p> })}
                        {(!waiting).then(|| view! { <p><a href="/approvals">{t!("approval-back")}</a></p> })}
                    </div>
                </Live>
            </div>
            {may.then(|| view! { <Buttons hidden=hidden /> })}
            <div class="decision-rest">
                {may.then(|| view! { <p class="help">{t!("approval-consequence")}</p> })}
                <Live topics=topics region="answers" quiet=true>
                    <Answers decisions=decisions />
                </Live>
                <Facts>
                    <Fact name=t!("task-organization")><Revealed text=organization /></Fact>
                    <Fact name=t!("approval-rule")><Revealed text=rule /></Fact>
                    <Fact name=t!("task-request-digest")><Digest hex=digest /></Fact>
                </Facts>
            </div>
        </aside>
    }
}

/// The state, which updates live. Once the request is settled, the style hides the form below it.
#[component]
fn Standing(approval: Approval) -> impl IntoView {
    let waiting = approval.state == ApprovalState::Waiting;
    view! {
        <div class=if waiting { "standing" } else { "standing settled" }>
            <p>
                <ApprovalBadge state=approval.state />
                " "
                {t!("approval-given", given = approval.given, needed = approval.needed)}
            </p>
            {waiting.then(|| view! { <p class="help">{t!("approval-until")}" "<Moment at=approval.expires_at /></p> })}
        </div>
    }
}

/// The decisions so far, with their reasons.
#[component]
fn Answers(decisions: Vec<Decision>) -> impl IntoView {
    let answer = |decision: Decision| {
        let (meaning, word) = match decision.answer {
            Answer::Approve => (Meaning::Good, t!("approval-said-yes")),
            Answer::Deny => (Meaning::Bad, t!("approval-said-no")),
        };
        view! {
            <li>
                <Badge meaning=meaning word=word />
                " "
                <Revealed text=decision.person />
                " "
                <Moment at=decision.created_at />
                {(!decision.reason.is_empty()).then(|| view! { <Reason text=decision.reason /> })}
            </li>
        }
    };
    (!decisions.is_empty())
        .then(|| view! { <ul class="answers">{decisions.into_iter().map(answer).collect_view()}</ul> })
}

#[component]
fn Reason(text: String) -> impl IntoView {
    text.split('\n').map(|line| view! { <p class="said"><Revealed text=line /></p> }).collect_view()
}

/// The deny button comes first, so that Enter, which presses a form's first button, never approves.
#[component]
fn Buttons(hidden: Vec<(&'static str, String)>) -> impl IntoView {
    view! {
        <Form action=Decide::PATH hidden=hidden class="decide">
            <TextArea name="reason" label=t!("approval-reason") help=t!("approval-reason-help") rows=2 />
            <div class="form-buttons">
                <Button look=Look::Danger name="answer" value="deny">{t!("approval-deny")}</Button>
                <Button look=Look::Main name="answer" value="approve">{t!("approval-approve")}</Button>
            </div>
        </Form>
    }
}

/// Returns why the actor cannot decide the approval request now, if so.
pub fn why_not(actor: &Actor, approval: &Approval, decisions: &[Decision], now: Timestamp) -> Option<String> {
    match approval.state {
        ApprovalState::Waiting if approval.expires_at <= now => return Some(t!("approval-is-expired")),
        ApprovalState::Waiting => {}
        ApprovalState::Approved => return Some(t!("approval-is-approved")),
        ApprovalState::Denied => return Some(t!("approval-is-denied")),
        ApprovalState::Expired => return Some(t!("approval-is-expired")),
        ApprovalState::Withdrawn => return Some(t!("approval-is-withdrawn")),
    }
    if decisions.iter().any(|decision| Some(decision.person_id) == actor.person()) {
        return Some(t!("approval-answered"));
    }
    let action = policy::Decide {
        approval: approval.id,
        task: approval.task_id,
        organization: approval.organization_id,
        requester: approval.requester_id,
        behind: approval.behind(),
        answer: Answer::Approve,
        reason: String::new(),
        request: approval.request_digest,
        network: approval.network,
    };
    // Step-up authentication is no obstacle: the form asks for it when it is submitted.
    actor.may(action).err().filter(|denied| !denied.stale).map(|denied| denied.reason.to_owned())
}

//! Lists of join requests: organizations that accept them, one's own, and those that await a decision.
use super::actions::{AcceptRequest, DeclineRequest, RequestMembership, WithdrawRequest};
use crate::{
    people::pages::roles,
    ui::{
        Badge, BadgeTone, Button, ButtonVariant, Confirm, Form, Live, Select, Table, TextArea, TimeAgo, UntrustedText,
    },
};
use domain::{OrganizationId, joining::JoinState, role::Role};
use leptos::{prelude::*, server_fn::ServerFn};
use store::{JoinRequest, JoinableOrganization, OwnJoinRequest, WaitingJoinRequests};

/// The organizations that accept join requests.
#[component]
pub fn JoinableOrganizations(organizations: Vec<JoinableOrganization>) -> impl IntoView {
    let row = |organization: JoinableOrganization| {
        let hidden = vec![("organization", organization.id.to_string())];
        let about = organization.name.clone();
        view! {
            <tr>
                <th scope="row"><UntrustedText text=organization.name /></th>
                <td class="cell-action">
                    <Confirm
                        label=t!("join-ask-open") about=about consequence=t!("join-ask-consequence") act=t!("join-ask")
                        action=RequestMembership::PATH hidden=hidden variant=ButtonVariant::Primary
                    >
                        <TextArea name="reason" label=t!("join-reason") help=t!("join-reason-help") rows=3 />
                    </Confirm>
                </td>
            </tr>
        }
    };
    (!organizations.is_empty()).then(|| {
        view! {
            <section class="stack">
                <h2>{t!("joinable-title")}</h2>
                <p>{t!("joinable-lead")}</p>
                <Table caption=t!("joinable-title") headings=vec![t!("organization-name"), String::new()]>
                    {organizations.into_iter().map(row).collect_view()}
                </Table>
            </section>
        }
    })
}

/// The person's own recent requests, with their state.
#[component]
pub fn OwnJoinRequests(
    /// Newest first.
    requests: Vec<OwnJoinRequest>,
) -> impl IntoView {
    let row = |request: OwnJoinRequest| {
        let (tone, label) = match request.state {
            JoinState::Waiting => (BadgeTone::Waiting, t!("join-waiting")),
            JoinState::Accepted => (BadgeTone::Good, t!("join-accepted")),
            JoinState::Declined => (BadgeTone::Bad, t!("join-declined")),
            JoinState::Withdrawn => (BadgeTone::Stopped, t!("join-withdrawn")),
        };
        let (about, hidden) = (request.organization.clone(), vec![("request", request.id.to_string())]);
        let withdraw = (request.state == JoinState::Waiting).then(|| {
            view! {
                <Confirm
                    label=t!("join-withdraw-open") about=about consequence=t!("join-withdraw-consequence") act=t!("join-withdraw")
                    action=WithdrawRequest::PATH hidden=hidden
                />
            }
        });
        view! {
            <tr>
                <th scope="row"><UntrustedText text=request.organization /></th>
                <td>
                    <Badge tone=tone label=label />
                    {(!request.answer.is_empty()).then(|| view! { <p><UntrustedText text=request.answer /></p> })}
                </td>
                <td><TimeAgo at=request.settled_at.unwrap_or(request.created_at) /></td>
                <td class="cell-action">{withdraw}</td>
            </tr>
        }
    };
    let headings = vec![t!("organization-name"), t!("person-state"), t!("organization-since"), String::new()];
    let list = (!requests.is_empty()).then(|| {
        view! {
            <section>
                <h2>{t!("join-own")}</h2>
                <Table caption=t!("join-own") headings=headings>
                    {requests.into_iter().map(row).collect_view()}
                </Table>
            </section>
        }
    });
    view! { <Live topics="people" region="join-own" quiet=true>{list}</Live> }
}

/// The pending requests to join an organization, with accept and decline forms.
#[component]
pub fn JoinRequestList(
    organization: OrganizationId,
    /// Oldest first.
    requests: Vec<JoinRequest>,
) -> impl IntoView {
    let item = move |request: JoinRequest| {
        let hidden = || vec![("organization", organization.to_string()), ("request", request.id.to_string())];
        let (accept, decline, name, about) = (hidden(), hidden(), request.name.clone(), request.name.clone());
        view! {
            <li class="stack">
                <p>
                    <strong><UntrustedText text=request.name /></strong>" "<span class="muted"><UntrustedText text=request.email /></span>" · "
                    <TimeAgo at=request.created_at />
                </p>
                {(!request.reason.is_empty()).then(|| view! { <p><UntrustedText text=request.reason /></p> })}
                <Form action=AcceptRequest::PATH hidden=accept class="in-row">
                    <Select name="role" label=t!("member-role-of", name = name) choices=roles() value=Role::Member.as_str() />
                    <Button variant=ButtonVariant::Primary>{t!("join-accept")}</Button>
                </Form>
                <Confirm
                    label=t!("join-decline-open") about=about act=t!("join-decline") action=DeclineRequest::PATH hidden=decline
                    variant=ButtonVariant::Secondary
                >
                    <TextArea name="reason" label=t!("join-decline-reason") help=t!("join-decline-help") rows=3 required=true />
                </Confirm>
            </li>
        }
    };
    let list = (!requests.is_empty()).then(|| {
        view! {
            <section>
                <h2>{t!("join-requests")}</h2>
                <ul class="stack">{requests.into_iter().map(item).collect_view()}</ul>
            </section>
        }
    });
    view! { <Live topics="people" region="join-requests" quiet=true>{list}</Live> }
}

/// A notice on the overview about requests that the person can decide.
#[component]
pub fn PendingJoinRequests(rows: Vec<WaitingJoinRequests>) -> impl IntoView {
    let line = |pending: WaitingJoinRequests| {
        let href = format!("/organizations/{}", pending.organization_id);
        view! { <p class="notice"><a href=href>{t!("join-requests-for-me", n = pending.n, organization = pending.organization)}</a></p> }
    };
    view! {
        <Live topics="people" region="overview-join" quiet=true>{rows.into_iter().map(line).collect_view()}</Live>
    }
}

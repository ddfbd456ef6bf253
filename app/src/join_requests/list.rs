//! Lists of join requests: organizations that accept them, one's own, and those that await an answer.
use super::actions::{AcceptRequest, AskToJoin, DeclineRequest, WithdrawRequest};
use crate::{
    outcome::{Kind, Refusal},
    people::pages::roles,
    ui::{Badge, Button, Confirm, Form, Live, Look, Meaning, Moment, Revealed, Select, Table, TextArea},
};
use domain::{OrganizationId, joining::JoinState, role::Role};
use leptos::{prelude::*, server_fn::ServerFn};
use store::{Asked, JoinRequest, Joinable, OwnJoinRequest};

/// Returns the refusal for actors that are not people.
pub(super) fn nobody() -> Refusal {
    Refusal::new(Kind::Forbidden, t!("refused-signed-out"))
}

/// The organizations that accept join requests.
#[component]
pub fn Joinables(
    organizations: Vec<Joinable>,
) -> impl IntoView {
    let row = |organization: Joinable| {
        let hidden = vec![("organization", organization.id.to_string())];
        let about = organization.name.clone();
        view! {
            <tr>
                <th scope="row"><Revealed text=organization.name /></th>
                <td class="cell-action">
                    <Confirm
                        label=t!("join-ask-open") about=about consequence=t!("join-ask-consequence") act=t!("join-ask")
                        action=AskToJoin::PATH hidden=hidden look=Look::Main
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
pub fn Own(
    /// Newest first.
    requests: Vec<OwnJoinRequest>,
) -> impl IntoView {
    let row = |asked: OwnJoinRequest| {
        let (meaning, word) = match asked.state {
            JoinState::Waiting => (Meaning::Waiting, t!("join-waiting")),
            JoinState::Accepted => (Meaning::Good, t!("join-accepted")),
            JoinState::Declined => (Meaning::Bad, t!("join-declined")),
            JoinState::Withdrawn => (Meaning::Stopped, t!("join-withdrawn")),
        };
        let (about, hidden) = (asked.organization.clone(), vec![("request", asked.id.to_string())]);
        let withdraw = (asked.state == JoinState::Waiting).then(|| {
            view! {
                <Confirm
                    label=t!("join-withdraw-open") about=about consequence=t!("join-withdraw-consequence") act=t!("join-withdraw")
                    action=WithdrawRequest::PATH hidden=hidden
                />
            }
        });
        view! {
            <tr>
                <th scope="row"><Revealed text=asked.organization /></th>
                <td>
                    <Badge meaning=meaning word=word />
                    {(!asked.answer.is_empty()).then(|| view! { <p><Revealed text=asked.answer /></p> })}
                </td>
                <td><Moment at=asked.settled_at.unwrap_or(asked.created_at) /></td>
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
pub fn Waiting(
    organization: OrganizationId,
    /// Oldest first.
    requests: Vec<JoinRequest>,
) -> impl IntoView {
    let one = move |asked: JoinRequest| {
        let hidden = || vec![("organization", organization.to_string()), ("request", asked.id.to_string())];
        let (accept, decline, name, about) = (hidden(), hidden(), asked.name.clone(), asked.name.clone());
        view! {
            <li class="stack">
                <p>
                    <strong><Revealed text=asked.name /></strong>" "<span class="muted"><Revealed text=asked.email /></span>" · "
                    <Moment at=asked.created_at />
                </p>
                {(!asked.reason.is_empty()).then(|| view! { <p><Revealed text=asked.reason /></p> })}
                <Form action=AcceptRequest::PATH hidden=accept class="in-row">
                    <Select name="role" label=t!("member-role-of", name = name) choices=roles() value=Role::Member.as_str() />
                    <Button look=Look::Main>{t!("join-accept")}</Button>
                </Form>
                <Confirm
                    label=t!("join-decline-open") about=about act=t!("join-decline") action=DeclineRequest::PATH hidden=decline
                    look=Look::Plain
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
                <ul class="stack">{requests.into_iter().map(one).collect_view()}</ul>
            </section>
        }
    });
    view! { <Live topics="people" region="join-requests" quiet=true>{list}</Live> }
}

/// A notice on the overview about requests that the person can answer.
#[component]
pub fn AskedOfMe(
    rows: Vec<Asked>,
) -> impl IntoView {
    let line = |asked: Asked| {
        let href = format!("/organizations/{}", asked.organization_id);
        view! { <p class="notice"><a href=href>{t!("join-asked-of-me", n = asked.n, organization = asked.organization)}</a></p> }
    };
    view! {
        <Live topics="people" region="overview-join" quiet=true>{rows.into_iter().map(line).collect_view()}</Live>
    }
}
